import { encodeNpy, parseNpy, type NpyArray } from "@onnx-asma/core/npy";
import { readBytes } from "./read-bytes.ts";
import { writeFile } from "./write-file.ts";

/**
 * Writes an array as `.npy` (version 1.0, C order, machine byte order).
 *
 * @throws AsmaError ERR_ARRAY_SHAPE when dims and data do not agree, ERR_FOLDER_NOT_WRITABLE.
 */
export async function writeNpy(
  path: string,
  array: Parameters<typeof encodeNpy>[0],
): Promise<void> {
  await writeFile(path, encodeNpy(array, `the array for '${path}'`));
}

/**
 * Reads an `.npy` file, see `parseNpy`.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, ERR_IMAGE_UNREADABLE, ERR_ARRAY_DTYPE
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return parseNpy(await readBytes(path), path);
}
