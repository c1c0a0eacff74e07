import { readFile, stat } from "node:fs/promises";
import { AsmaError, refusal } from "@onnx-asma/core";

/**
 * The bytes of a regular file, in a buffer of their own.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND when nothing is there, ERR_FILE_NOT_READABLE when it is a
 * folder, a device, or may not be read.
 */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) {
      throw refusal("ERR_FILE_NOT_READABLE", {
        expected: `a file at '${path}'`,
        found: "it is a folder or a device",
        wayOut: "name the file itself",
        details: { path },
      });
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof AsmaError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const details = { path };
    if (code === "ENOENT" || code === "ENOTDIR") {
      const message = `Expected a file at '${path}' but there is none: check the path.`;
      throw new AsmaError("ERR_FILE_NOT_FOUND", message, { cause, details });
    }
    const message = `Expected a readable file at '${path}' but reading it failed: ${(cause as Error).message}.`;
    throw new AsmaError("ERR_FILE_NOT_READABLE", message, { cause, details });
  }
}
