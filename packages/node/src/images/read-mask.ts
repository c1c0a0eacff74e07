import type { LabelMap } from "@onnx-asma/core";
import { checkOptions, optionEntry } from "@onnx-asma/core/check-options";
import { decodeMask, type DecodeMaskOptions } from "@onnx-asma/core/mask-file";
import { openPicture } from "./open-picture.ts";
import { readBytes } from "./read-bytes.ts";

/** Options of {@link readMask}. */
export type ReadMaskOptions = DecodeMaskOptions;

const optionEntries = {
  classes: optionEntry("anything", "the number of the model's classes"),
  classMap: optionEntry("anything", "the class of each value"),
  ignoreLabel: optionEntry("whole number", "the value of pixels that do not count"),
  threshold: optionEntry("anything", "the border between background and foreground"),
  spatialAxes: optionEntry("whole number", "2, or 3 for volumes"),
  maxPixels: optionEntry("anything", "the largest number of pixels"),
} as const satisfies Record<keyof ReadMaskOptions, unknown>;

/**
 * Reads a target mask; see `decodeMask` of core for what the values of a file mean.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, and as `decodeMask`
 */
export async function readMask(path: string, options: ReadMaskOptions = {}): Promise<LabelMap> {
  checkOptions(optionEntries, options, "readMask");
  const open = (bytes: Uint8Array, maxPixels: number) =>
    openPicture(path, bytes, maxPixels).picture;
  return await decodeMask(path, await readBytes(path), options, open);
}
