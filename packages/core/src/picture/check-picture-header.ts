import { AsmaError } from "../errors.ts";
import { checkImageSize } from "../image-size.ts";

/** What a picture's header says, before any pixel is decoded. */
export interface PictureHeader {
  readonly height: number;
  readonly width: number;
  /** Bits per channel. */
  readonly depth: number;
  /** How pixels are stored; "palette" is a colour picture stored as indices. */
  readonly colour: "grey" | "rgb" | "palette" | "cmyk";
}

/**
 * Refuses pictures, other than PNG, whose pixels would not be those that the file stores.
 *
 * @param name the file in messages
 * @param format its format in messages, such as "JPEG"
 * @throws AsmaError ERR_IMAGE_UNREADABLE (empty), ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE (CMYK, YCCK),
 *   ERR_IMAGE_BIT_DEPTH (more than 8 bits)
 */
export function checkPictureHeader(
  name: string,
  format: string,
  { height, width, depth, colour }: PictureHeader,
  maxPixels?: number,
): void {
  checkImageSize(name, [height, width], maxPixels);
  if (colour === "cmyk") {
    throw new AsmaError(
      "ERR_IMAGE_COLOUR_SPACE",
      `Expected grey or RGB pixels but ${name} is a CMYK or YCCK ${format}: convert it to RGB first.`,
      { details: { name } },
    );
  }
  if (depth > 8) {
    throw new AsmaError(
      "ERR_IMAGE_BIT_DEPTH",
      `Expected at most 8 bits per channel in a ${format} but ${name} has ${depth}: ` +
        "save it as 16-bit PNG or as float .npy.",
      { details: { name, bitDepth: depth } },
    );
  }
}
