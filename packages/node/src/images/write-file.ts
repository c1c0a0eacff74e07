import { randomBytes } from "node:crypto";
import { rename, rm, writeFile as write } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { refusal } from "@onnx-asma/core";

/**
 * Writes `contents` to `path` so that readers see either the old file or the whole new one: the
 * bytes go to a temporary name in the same folder, which is then renamed.
 *
 * @throws AsmaError ERR_FOLDER_NOT_WRITABLE when the folder is missing, read-only or full.
 */
export async function writeFile(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(
    folder,
    `.${basename(path).slice(0, 64)}.${randomBytes(6).toString("hex")}.tmp`,
  );
  try {
    await write(temporary, contents, { flag: "wx" });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw refusal("ERR_FOLDER_NOT_WRITABLE", {
      expected: `to write '${path}'`,
      found: `the folder '${folder}' did not take it (${(cause as Error).message})`,
      wayOut: "create the folder, free space in it, or choose another one",
      cause,
      details: { path, folder },
    });
  }
}
