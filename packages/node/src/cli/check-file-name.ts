import { stat } from "node:fs/promises";
import { AsmaError, refusal } from "@onnx-asma/core";

/** What a file is to be. */
interface FileRequest {
  /** With its dot. */
  readonly ending: string;
  /** What goes there, in words. */
  readonly is: string;
  /** Whether a file that is there may be overwritten. */
  readonly force: boolean | undefined;
}

/**
 * Checks the name of a file that a command is to write, before anything is computed.
 *
 * @throws AsmaError `ERR_USAGE` for another ending; `ERR_RESULTS_EXIST` for what is there; `ERR_FOLDER_NOT_WRITABLE`
 *   for a folder
 */
export async function checkFileName(
  path: string,
  { ending, is, force }: FileRequest,
): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) {
    throw refusal("ERR_FOLDER_NOT_WRITABLE", {
      expected: `a file for ${is} behind -o`,
      found: `'${path}' is a folder`,
      wayOut: `name a file in it, as in ${path.replace(/[/\\]$/, "")}/result${ending}`,
    });
  }
  if (!path.toLowerCase().endsWith(ending)) {
    throw refusal("ERR_USAGE", {
      expected: `a name that ends in ${ending} for ${is} behind -o`,
      found: `found '${path}'`,
      wayOut: `call it ${path.replace(/\.[^./\\]*$/, "")}${ending}`,
    });
  }
  if (found !== undefined && force !== true) {
    throw new AsmaError(
      "ERR_RESULTS_EXIST",
      `'${path}' exists already: choose another file, or overwrite it with --force.`,
    );
  }
}
