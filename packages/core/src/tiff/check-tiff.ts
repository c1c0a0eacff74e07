import { refusal, type AsmaError } from "../errors.ts";
import type { PictureHost } from "../picture/picture-host.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";
import type { TiffLayout } from "./tiff-layout.ts";

/** Ways to compress that are read, by their number in tag 259. */
export const compressions = {
  none: 1,
  ccitt: 2,
  ccittGroup3: 3,
  ccittGroup4: 4,
  lzw: 5,
  jpeg: 7,
  deflate: 8,
  oldDeflate: 32_946,
  packBits: 32_773,
  zstd: 50_000,
  webp: 50_001,
} as const;

/** Names of the others. */
const otherCompressions: Readonly<Record<number, string>> = {
  2: "CCITT",
  3: "CCITT group 3",
  4: "CCITT group 4",
  6: "old JPEG",
  9: "JBIG",
  10: "JBIG",
  32_771: "word-aligned CCITT",
  32_809: "ThunderScan",
  33_003: "JPEG 2000",
  33_004: "JPEG 2000",
  33_005: "JPEG 2000",
  34_661: "JBIG",
  34_676: "SGI LogL",
  34_677: "SGI LogLuv",
  34_712: "JPEG 2000",
  34_887: "LERC",
  34_892: "lossy DNG JPEG",
  34_925: "LZMA",
  34_933: "PNG",
  34_934: "JPEG XR",
  50_002: "JPEG XL",
  52_546: "JPEG XL",
};

/** Whether only a host decodes it, as a whole. */
export function isFax({ compression }: Pick<TiffLayout, "compression">): boolean {
  return (
    compression === compressions.ccitt ||
    compression === compressions.ccittGroup3 ||
    compression === compressions.ccittGroup4
  );
}

/** Photometric interpretations, by their number in tag 262. */
export const photometrics = {
  whiteIsZero: 0,
  blackIsZero: 1,
  rgb: 2,
  palette: 3,
  ycbcr: 6,
} as const;

const otherColours: Readonly<Record<number, string>> = {
  4: "a transparency mask",
  5: "CMYK",
  6: "YCbCr",
  8: "CIELab",
  9: "ICCLab",
  10: "ITULab",
  32_803: "a colour filter array",
  32_844: "LogL",
  32_845: "LogLuv",
  34_892: "raw of a camera",
};

/** Number of samples that are colours. */
export function coloursOf({ photometric }: Pick<TiffLayout, "photometric">): 1 | 3 {
  return photometric === photometrics.rgb || photometric === photometrics.ycbcr ? 3 : 1;
}

/**
 * Refuses by name what is not decoded right.
 *
 * @param name the file in messages
 * @param host what it decodes says which compressions are
 * @throws AsmaError ERR_IMAGE_UNREADABLE (compression), ERR_IMAGE_COLOUR_SPACE, ERR_IMAGE_CHANNELS,
 *   ERR_IMAGE_BIT_DEPTH
 */
export function checkTiff(layout: TiffLayout, name: string, host: PictureHost): void {
  const { compression, photometric, samples, extra } = layout;
  const isDecoded = isFax(layout)
    ? host.decodeFax !== undefined
    : (Object.values(compressions) as number[]).includes(compression);
  if (!isDecoded) {
    const which = otherCompressions[compression] ?? `method ${compression}`;
    throw unreadablePicture(name, `is a TIFF compressed with ${which}, which is not read`, {
      wayOut: "save it uncompressed, or with LZW, Deflate or ZSTD",
    });
  }
  const isJpeg = compression === compressions.jpeg;
  // A JPEG of one plane knows nothing of the other two.
  const isConverted = photometric === photometrics.ycbcr && isJpeg && !layout.isPlanar;
  const isKnown = photometric <= 3 || isConverted;
  if (!isKnown) {
    throw refusal("ERR_IMAGE_COLOUR_SPACE", {
      expected: "grey, RGB or palette pixels",
      found: `${name} is a TIFF of ${otherColours[photometric] ?? `colour space ${photometric}`}`,
      wayOut: "convert it to RGB first",
      details: { name, photometric },
    });
  }
  const colours = coloursOf(layout);
  const more = samples - colours;
  const isAlpha = more === 1 && (extra[0] === 1 || extra[0] === 2);
  if (more < 0 || (more > 0 && !isAlpha)) {
    throw refusal("ERR_IMAGE_CHANNELS", {
      expected: `${colours} samples per pixel, and alpha at most,`,
      found: `${name} is a TIFF of ${samples}`,
      wayOut: "convert it to grey or RGB, or bring it as .npy of shape [C, H, W]",
      details: { name, samples },
    });
  }
  checkDepth(layout, name);
  checkPredictor(layout, name);
}

function checkDepth(layout: TiffLayout, name: string): void {
  const { bits, format, photometric, compression } = layout;
  const small = format === "unsigned" && photometric !== photometrics.rgb ? [1, 2, 4] : [];
  const grey = small.length > 0 && photometric !== photometrics.palette ? [12] : [];
  const lossy = compression === compressions.jpeg || compression === compressions.webp;
  let known = format === "float" ? [16, 32, 64] : [...small, 8, ...grey, 16, 32];
  if (photometric === photometrics.palette) known = format === "unsigned" ? [1, 2, 4, 8] : [];
  if (lossy) known = format === "unsigned" ? [8] : [];
  if (isFax(layout)) known = coloursOf(layout) === 1 && format === "unsigned" ? [1] : [];
  if (!known.includes(bits)) throw tiffDepthError(name, `${bits} bits (${format})`);
}

/** A TIFF whose samples are of a kind that is not read. */
export function tiffDepthError(name: string, found: string): AsmaError {
  return refusal("ERR_IMAGE_BIT_DEPTH", {
    expected: "unsigned samples of 1, 2, 4, 8 or 16 bits, or floating point",
    found: `${name} is a TIFF with samples of ${found}`,
    wayOut: "convert it to 8 or 16 bits, or bring it as .npy",
    details: { name },
  });
}

function checkPredictor({ predictor, bits, format }: TiffLayout, name: string): void {
  const isFloat = format === "float";
  const fits =
    predictor === 1 ||
    (predictor === 2 && [8, 16, 32].includes(bits)) ||
    (predictor === 3 && isFloat && [16, 32, 64].includes(bits));
  if (!fits) {
    throw unreadablePicture(
      name,
      `is a TIFF with predictor ${predictor} of ${bits} bits (${format})`,
      {
        wayOut: "save it without a predictor",
      },
    );
  }
}
