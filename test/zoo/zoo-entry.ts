import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What `make_zoo.py` writes of an architecture (zoo.json). */
export interface ZooEntry {
  readonly name: string;
  /** Paper or library. */
  readonly source: string;
  /** What the output is that is differentiated. */
  readonly output: string;
  readonly parameters: number;
  /** Of PyTorch itself in float32 against float64: max |difference| / max |gradient|. */
  readonly float32GradientError: number;
  readonly exports: Readonly<
    Record<string, { readonly opset: number; readonly failure?: string | undefined }>
  >;
}

/** One model file of an architecture, or the reason why its exporter wrote none. */
export interface ZooModel {
  readonly entry: ZooEntry;
  /** `legacy` or `dynamo`. */
  readonly exporter: string;
  readonly folder: string;
  readonly failure: string | undefined;
}

/** The models of the full zoo if it was made, otherwise those of the committed part. */
export function zooModels(): { readonly models: ZooModel[]; readonly isComplete: boolean } {
  const complete = modelsIn("models/");
  const isComplete = complete.length > 0;
  return { models: isComplete ? complete : modelsIn("committed/"), isComplete };
}

/** The models of one part of the zoo. */
export function modelsIn(part: "models/" | "committed/"): ZooModel[] {
  const root = fileURLToPath(new URL(part, import.meta.url));
  if (!existsSync(root)) {
    return [];
  }
  return readdirSync(root)
    .toSorted()
    .map((name) => join(root, name))
    .filter((folder) => existsSync(join(folder, "zoo.json")))
    .flatMap((folder) => {
      const entry = JSON.parse(readFileSync(join(folder, "zoo.json"), "utf8")) as ZooEntry;
      return Object.entries(entry.exports).map(([exporter, { failure }]) => ({
        entry,
        exporter,
        folder,
        failure,
      }));
    });
}
