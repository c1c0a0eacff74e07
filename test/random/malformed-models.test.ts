import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, it } from "vitest";
import { mutateModel } from "../support/mutate-model.ts";
import { buildRandomGraph, randomGraph } from "../support/random-graph-recipe.ts";

/** Number of models, and where they start: MODELS=5000 SEED=7 npx vitest run test/random */
const count = Number(process.env["MODELS"] ?? 300);
const seed = Number(process.env["SEED"] ?? 1);

const loader = fileURLToPath(new URL("load-models.js", import.meta.url));

/** A model that takes longer than this counts as a hang. */
const patience = 20_000;

interface Report {
  readonly path: string;
  readonly outcome?: string;
  readonly message?: string;
}

/** Loads the models in a process of its own, a new one after each that ends or hangs. */
async function load(paths: readonly string[]): Promise<Map<string, Report>> {
  const reports = new Map<string, Report>();
  let rest = paths;
  while (rest.length > 0) {
    const child = spawn(process.execPath, ["--max-old-space-size=1024", loader], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdin.on("error", () => {}).end(`${rest.join("\n")}\n`);
    let [timer, current, hangs]: [NodeJS.Timeout | undefined, string | undefined, boolean] = [
      undefined,
      undefined,
      false,
    ];
    for await (const line of createInterface({ input: child.stdout })) {
      const report = JSON.parse(line) as Report;
      clearTimeout(timer);
      current = report.outcome === undefined ? report.path : undefined;
      timer = setTimeout(() => {
        hangs = true;
        child.kill("SIGKILL");
      }, patience);
      if (report.outcome !== undefined) {
        reports.set(report.path, report);
      }
    }
    clearTimeout(timer);
    if (current !== undefined) {
      const outcome = hangs ? "HANGS" : `ENDS THE PROCESS (${child.signalCode ?? child.exitCode})`;
      reports.set(current, { path: current, outcome });
    }
    const left = rest.filter((path) => !reports.has(path));
    expect(left.length).toBeLessThan(rest.length);
    rest = left;
  }
  return reports;
}

it(
  `refuses ${count} malformed models with a code (seed ${seed})`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "onnx-asma-malformed-"));
    const seeds = fc
      .sample(randomGraph, { numRuns: 100, seed })
      .filter(({ steps }) => steps.length > 2)
      .map((r) => buildRandomGraph(r).bytes);
    const paths = Array.from({ length: count }, (_, i) => {
      const path = join(folder, `${seed}-${i}.onnx`);
      writeFileSync(path, mutateModel(seeds[i % seeds.length] as Uint8Array, seed * 1_000_003 + i));
      return path;
    });
    const outcomes = new Map<string, number>();
    const faults: string[] = [];
    for (const [path, { outcome = "", message = "" }] of await load(paths)) {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (outcome !== "differentiated" && !outcome.startsWith("ERR_")) {
        faults.push(`${basename(path)}: ${outcome} ${message.split("\n").slice(0, 3).join(" ")}`);
      }
    }
    console.log(Object.fromEntries(outcomes));
    if (faults.length === 0) {
      rmSync(folder, { recursive: true });
    }
    expect(faults, `models are kept in ${folder}`).toEqual([]);
  },
  60_000 + count * 200,
);
