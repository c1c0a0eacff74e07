import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AsmaError, refusal } from "@onnx-asma/core";

/** Files that an attack may write; `result.json` comes last and stands for all of them. */
export const resultFiles = [
  "original.png",
  "original.npy",
  "adversarial.png",
  "adversarial.npy",
  "perturbation.png",
  "prediction-before.png",
  "prediction-after.png",
  "labels-before.png",
  "labels-before.npy",
  "labels-after.png",
  "labels-after.npy",
  "labels-float.png",
  "labels-float.npy",
  "target.png",
  "target.npy",
  "region.png",
  "region.npy",
  "overview.png",
  "trajectory.svg",
  "trajectory.csv",
  "result.json",
] as const;

/** The files of one attack in order, without `result.json`. */
export function resultFilesOf(written: readonly string[]): string[] {
  return resultFiles.filter((name) => written.includes(name));
}

/** Files that a command may write; the last one stands for all of them. */
type FileNames = readonly [...string[], string];

/**
 * Checks, before anything is computed, that results can be written to a folder.
 *
 * @param files that would be overwritten
 * @throws AsmaError `ERR_RESULTS_EXIST` when it holds results already, `ERR_FOLDER_NOT_WRITABLE`
 */
export async function checkResultsFolder(
  folder: string,
  force: boolean,
  files: FileNames = resultFiles,
): Promise<void> {
  if (folder === "") {
    throw notWritable(folder, new Error("its name is empty"));
  }
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => error);
  if (Array.isArray(entries)) {
    const existing = files.filter((file) => entries.includes(file));
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
  // Permissions do not tell (root, read-only and virtual file systems), a trial does.
  await (await openStaging(folder)).discard();
}

/**
 * Lets `fill` write some of `files` to a hidden folder beside their place, then moves them
 * there in place of all older ones: results appear whole or not at all, and older ones stay until then.
 *
 * @throws AsmaError `ERR_FOLDER_NOT_WRITABLE`; whatever `fill` throws, leaving nothing behind
 */
export async function fillResultsFolder<T>(
  folder: string,
  fill: (staging: string) => Promise<T>,
  files: FileNames = resultFiles,
): Promise<T> {
  const staging = await openStaging(folder);
  try {
    const value = await fill(staging.path);
    await staging.publish(files);
    return value;
  } catch (error) {
    await staging.discard();
    throw error;
  }
}

async function openStaging(folder: string) {
  const made: string[] = [];
  const removeMade = async () => {
    for (const parent of made.toReversed()) {
      await rmdir(parent);
    }
  };
  let path: string;
  try {
    await makeFolder(resolve(folder), made);
    path = await mkdtemp(join(folder, ".onnx-asma-"));
  } catch (cause) {
    await removeMade().catch(() => undefined);
    throw notWritable(folder, cause as Error);
  }
  return {
    path,
    publish: async (files: FileNames) => {
      try {
        await rm(join(folder, files.at(-1) as string), { force: true });
        const written = await readdir(path);
        for (const file of files) {
          await (written.includes(file)
            ? rename(join(path, file), join(folder, file))
            : rm(join(folder, file), { force: true }));
        }
        await rmdir(path);
      } catch (cause) {
        throw notWritable(folder, cause as Error);
      }
    },
    /** Also removes the folder if it was made for the results. */
    discard: async () => {
      await rm(path, { recursive: true, force: true });
      // Somebody else's files keep it.
      await removeMade().catch(() => undefined);
    },
  };
}

/**
 * Makes a folder and those above it, and notes which were new. Node's own `recursive` never returns
 * where a file system answers "no such file" to a new folder, as /proc does.
 */
async function makeFolder(folder: string, made: string[]): Promise<void> {
  const exists = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
  const missing: string[] = [];
  for (let at = folder; !(await exists(at)); at = dirname(at)) {
    missing.unshift(at);
  }
  for (const path of missing) {
    await mkdir(path);
    made.push(path);
  }
}

function notWritable(folder: string, cause: NodeJS.ErrnoException): AsmaError {
  const isFile = cause.code === "ENOTDIR" || cause.code === "EEXIST";
  return refusal("ERR_FOLDER_NOT_WRITABLE", {
    expected: "a folder to write to",
    found: `'${folder}' is ${isFile ? "a file, or lies below one" : `none (${cause.message})`}`,
    wayOut: "choose another one with -o",
    cause,
    details: { folder },
  });
}
