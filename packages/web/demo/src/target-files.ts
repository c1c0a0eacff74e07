import type { LabelMap } from "@onnx-asma/web";
import { element } from "./element.ts";
import type { Scene } from "./scene.ts";

/** A kind of target that comes from a file. */
export type FileKind = "other" | "mask";

const fields = { other: "other", mask: "mask-file" } as const;

/** The targets that come from files: what the model draws on another picture, and masks. */
export class TargetFiles {
  readonly #files = new Map<FileKind, File>();
  readonly #read = new Map<FileKind, { readonly scene: Scene; readonly labels: LabelMap }>();

  /** @param onFile told when a file was picked */
  constructor(onFile: (kind: FileKind) => void) {
    for (const kind of ["other", "mask"] as const) {
      const input = element<HTMLInputElement>(fields[kind]);
      input.addEventListener("change", () => {
        const [file] = input.files ?? [];
        if (file !== undefined) {
          this.take(kind, file);
          onFile(kind);
        }
      });
    }
  }

  /** Takes a file in place of the one before. */
  take(kind: FileKind, file: File): void {
    this.#files.set(kind, file);
    this.#read.delete(kind);
  }

  /** Whether there is a file that was not read for this scene yet. */
  isDue(kind: string, scene: Scene): boolean {
    const known = kind as FileKind;
    return this.#files.has(known) && this.#read.get(known)?.scene !== scene;
  }

  /** Reads the file of a kind for a scene. @throws AsmaError as `readImage`, `predict` and `readMask` do */
  async read(kind: FileKind, scene: Scene): Promise<void> {
    const file = this.#files.get(kind) as File;
    const { model, description } = scene;
    const labels =
      kind === "mask"
        ? await model.readMask(file, { classes: description.head.classes })
        : await model.predict(await model.readImage(file));
    this.#read.set(kind, { scene, labels });
  }

  /** Forgets a file that could not be read. */
  forget(kind: FileKind): void {
    this.#files.delete(kind);
    this.#read.delete(kind);
  }

  /** The labels of a kind. @throws Error where there is no file, or it was not read */
  labels(kind: FileKind): LabelMap {
    const read = this.#read.get(kind);
    if (read === undefined) {
      const file = kind === "mask" ? "a mask" : "the other picture";
      throw new Error(`There is no target yet: choose ${file} first.`);
    }
    return read.labels;
  }

  /** The file of a kind of target, if that comes from one. */
  fileOf(kind: string): File | undefined {
    return this.#files.get(kind as FileKind);
  }
}
