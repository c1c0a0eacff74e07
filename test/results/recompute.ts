import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Given } from "./scenes.ts";

/** The Python in which numpy, Pillow, pypng, tifffile and onnxruntime are installed, if there is one. */
export const python = process.env["PYTHON"];
export const script = fileURLToPath(new URL("recompute.py", import.meta.url));

/** What the script found: for each family of figures how many, and the largest difference. */
export interface Recomputed {
  readonly families: Readonly<Record<string, readonly [count: number, worst: number]>>;
  readonly faults: readonly string[];
  readonly notes: readonly string[];
}

/** Runs `recompute.py` over a folder or zip of results. */
export function recompute(results: string, given: Given): Recomputed {
  const flags = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value as string]);
  const { stdout, stderr } = spawnSync(python as string, [script, results, ...flags, "--json"]);
  if (stdout.length === 0) {
    throw new Error(stderr.toString());
  }
  return JSON.parse(stdout.toString()) as Recomputed;
}
