import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { refusal } from "@onnx-asma/core";

/** A file that belongs to a model. */
export interface FileBeside {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * Reads a file that lies beside a model, or above it where the model lies in a folder `onnx`, as repositories
 * of such models are laid out. Where the path is or goes through a symbolic link, it is looked for there first,
 * then where the link leads.
 *
 * @returns `undefined` when there is none
 * @throws AsmaError `ERR_FILE_NOT_READABLE` for one that is there and cannot be read
 */
export async function findBeside(modelPath: string, name: string): Promise<FileBeside | undefined> {
  const path = resolve(modelPath);
  const folder = dirname(path);
  const real = await Promise.all([
    realpath(folder).catch(() => folder),
    realpath(path).then(dirname, () => folder),
  ]);
  const folders = [folder, ...real].flatMap((each) =>
    basename(each) === "onnx" ? [each, dirname(each)] : [each],
  );
  for (const candidate of new Set(folders)) {
    const file = join(candidate, name);
    const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT" || cause.code === "ENOTDIR") {
        return undefined;
      }
      throw refusal("ERR_FILE_NOT_READABLE", {
        expected: `a readable ${name} beside the model`,
        found: `'${file}' cannot be read (${cause.message})`,
        wayOut: "correct its rights, or move it away",
        cause,
        details: { path: file },
      });
    });
    if (bytes !== undefined) {
      return { path: file, bytes };
    }
  }
  return undefined;
}
