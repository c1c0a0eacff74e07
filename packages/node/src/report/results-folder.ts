import { constants } from "node:fs";
import { access, mkdir, readdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AsmaError } from "@onnx-asma/core";

/** Files that an attack writes. */
export const resultFiles = [
  "adversarial.png",
  "adversarial.npy",
  "perturbation.png",
  "prediction-before.png",
  "prediction-after.png",
  "target.png",
  "overview.png",
  "trajectory.svg",
  "trajectory.csv",
  "result.json",
] as const;

/**
 * Checks, before anything is computed, that results can be written to a folder.
 *
 * @throws AsmaError `ERR_RESULTS_EXIST` when it holds results already, `ERR_FOLDER_NOT_WRITABLE`
 */
export async function checkResultsFolder(folder: string, force: boolean): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => error);
  if (Array.isArray(entries)) {
    const existing = resultFiles.filter((file) => entries.includes(file));
    if (existing.length > 0 && !force) {
      throw new AsmaError(
        "ERR_RESULTS_EXIST",
        `The folder '${folder}' holds results already (${existing.join(", ")}): choose another one, or overwrite them with --force.`,
        { details: { folder, existing } },
      );
    }
  } else if (entries.code !== "ENOENT") {
    throw notWritable(folder, entries);
  }
  for (let parent = resolve(folder); ; parent = dirname(parent)) {
    try {
      await access(parent, constants.W_OK | constants.X_OK);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT" || parent === dirname(parent)) {
        throw notWritable(folder, cause as Error);
      }
    }
  }
}

/** Makes the folder for results. */
export async function makeResultsFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw notWritable(folder, cause as Error);
  }
}

function notWritable(folder: string, cause: Error): AsmaError {
  return new AsmaError(
    "ERR_FOLDER_NOT_WRITABLE",
    `Expected a folder to write to but '${folder}' is none (${cause.message}): choose another one with -o.`,
    { cause, details: { folder } },
  );
}
