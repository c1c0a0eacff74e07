import { refusal, type AsmaError } from "../errors.ts";

/** What a {@link unreadablePicture} may say besides. */
export interface UnreadableOptions {
  readonly cause?: unknown;
  /** @default "save it again from the program it came from" */
  readonly wayOut?: string;
}

/**
 * A picture that cannot be decoded: ERR_IMAGE_UNREADABLE.
 *
 * @param name the file in messages, such as "'scan.tif'"
 * @param found what is wrong with it, with its verb
 */
export function unreadablePicture(
  name: string,
  found: string,
  { cause, wayOut = "save it again from the program it came from" }: UnreadableOptions = {},
): AsmaError {
  return refusal("ERR_IMAGE_UNREADABLE", {
    expected: "a PNG, JPEG, WebP, TIFF, BMP, GIF, PGM, PPM, PBM or .npy file",
    found: `${name} ${found}`,
    wayOut,
    cause,
    details: { name },
  });
}
