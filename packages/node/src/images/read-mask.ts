import type { LabelMap } from "@onnx-asma/core";
import { decodeMask, type DecodeMaskOptions } from "@onnx-asma/core/mask-file";
import { openPicture } from "./open-picture.ts";
import { readBytes } from "./read-bytes.ts";

/** Options of {@link readMask}. */
export type ReadMaskOptions = DecodeMaskOptions;

/**
 * Reads a target mask; see `decodeMask` of core for what the values of a file mean.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, and as `decodeMask`
 */
export async function readMask(path: string, options: ReadMaskOptions): Promise<LabelMap> {
  const open = (bytes: Uint8Array, maxPixels: number) =>
    openPicture(path, bytes, maxPixels).picture;
  return await decodeMask(path, await readBytes(path), options, open);
}
