import { refusal } from "../errors.ts";
import { checkImageSize } from "../image-size.ts";
import type { Picture, Raster } from "../picture/raster.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";

/** Whether bytes start as a portable any-map does: P1 to P6 and white space or a comment. */
export function isPnm(bytes: Uint8Array): boolean {
  const [p, kind = 0, space = 0] = bytes;
  return p === 0x50 && kind >= 0x31 && kind <= 0x36 && (isSpace(space) || space === hash);
}

const hash = 0x23;
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 9 && byte <= 13);

/** A portable any-map as its header describes it. */
interface PnmLayout {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** The value of white. */
  readonly max: number;
  readonly isText: boolean;
  readonly isBitmap: boolean;
  /** Where the pixels start. */
  readonly start: number;
}

/**
 * Opens a PBM, PGM or PPM (P1 to P6, as text or bytes), the first picture of it. Samples whose maximum divides
 * 255 become 8 bits, those up to 65535 are 16. Pixels of a PBM are 0 for black and 1 for white here, the inverse
 * of what the file stores.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE (also by `decode`), ERR_IMAGE_TOO_LARGE; the raster of other maxima
 *   holds labels only, ERR_IMAGE_BIT_DEPTH
 */
export function openPnm(bytes: Uint8Array, name: string, maxPixels?: number): Picture {
  const layout = layoutOf(bytes, name);
  checkImageSize(name, [layout.height, layout.width], maxPixels);
  const { height, width, channels, max, isText, isBitmap, start } = layout;
  const row = isBitmap ? Math.ceil(width / 8) : width * channels * (max > 255 ? 2 : 1);
  const least = isText ? height * width * channels : height * row;
  if (start + least > bytes.length) throw unreadablePicture(name, "is a truncated PNM");
  return {
    grey: channels === 1,
    decode: async () => toRaster(samplesOf(bytes, name, layout), name, layout),
  };
}

function layoutOf(bytes: Uint8Array, name: string): PnmLayout {
  const kind = (bytes[1] as number) - 0x30;
  const isBitmap = kind === 1 || kind === 4;
  let at = 2;
  const number = (): number => {
    while (isSpace(bytes[at] ?? 0) || bytes[at] === hash) {
      if (bytes[at] === hash)
        while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++;
      else at++;
    }
    const first = at;
    while (isDigit(bytes[at]) && at - first < 10) at++;
    if (at === first || !(isSpace(bytes[at] ?? 0) || bytes[at] === hash)) {
      throw unreadablePicture(name, "is a PNM with a damaged header");
    }
    return Number(String.fromCharCode(...bytes.subarray(first, at)));
  };
  const [width, height, max] = [number(), number(), isBitmap ? 1 : number()];
  if (!(max >= 1 && max <= 65_535)) {
    throw unreadablePicture(name, `is a PNM whose largest value is ${max}`);
  }
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  return { height, width, channels, max, isText: kind <= 3, isBitmap, start: at + 1 };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function samplesOf(bytes: Uint8Array, name: string, layout: PnmLayout): Uint8Array | Uint16Array {
  const { height, width, channels, max, isText, isBitmap, start } = layout;
  const count = height * width * channels;
  const samples = new (max > 255 ? Uint16Array : Uint8Array)(count);
  if (isText) {
    readText(bytes, name, layout, samples);
  } else if (isBitmap) {
    const row = Math.ceil(width / 8);
    for (let i = 0; i < count; i++) {
      const [y, x] = [Math.floor(i / width), i % width];
      samples[i] = ((bytes[start + y * row + (x >> 3)] as number) >> (7 - (x & 7))) & 1;
    }
  } else {
    for (let i = 0; i < count; i++) {
      samples[i] =
        max > 255
          ? ((bytes[start + 2 * i] as number) << 8) | (bytes[start + 2 * i + 1] as number)
          : (bytes[start + i] as number);
    }
  }
  if (samples.some((sample) => sample > max)) {
    throw unreadablePicture(name, `is a PNM with values above its largest, ${max}`);
  }
  return isBitmap ? samples.map((bit) => 1 - bit) : samples;
}

/** Numbers between white space; the bits of a PBM may lie side by side. */
function readText(
  bytes: Uint8Array,
  name: string,
  { start, isBitmap }: PnmLayout,
  samples: Uint8Array | Uint16Array,
): void {
  let at = start;
  for (let i = 0; i < samples.length; i++) {
    while (isSpace(bytes[at] ?? 0) || bytes[at] === hash) {
      if (bytes[at] === hash) while (at < bytes.length && bytes[at] !== 10) at++;
      else at++;
    }
    const first = at;
    let value = 0;
    while (isDigit(bytes[at]) && at - first < (isBitmap ? 1 : 6)) {
      value = 10 * value + (bytes[at++] as number) - 0x30;
    }
    if (at === first) throw unreadablePicture(name, "is a PNM with missing or damaged values");
    samples[i] = Math.min(value, samples instanceof Uint16Array ? 65_535 : 255);
    if (samples[i] !== value)
      throw unreadablePicture(name, "is a PNM with values above its largest");
  }
}

function toRaster(
  stored: Uint8Array | Uint16Array,
  name: string,
  { height, width, channels, max }: PnmLayout,
): Raster {
  const bitDepth = max === 65_535 ? 16 : 8;
  const shape = { height, width, channels, bitDepth, transparentPixels: 0 } as const;
  const samples = channels === 1 ? { data: stored, max } : undefined;
  if (max === 255 || max === 65_535) return { ...shape, data: stored, stored: samples };
  if (255 % max === 0) {
    const scale = 255 / max;
    return { ...shape, data: stored.map((sample) => sample * scale), stored: samples };
  }
  const labelsOnly = refusal("ERR_IMAGE_BIT_DEPTH", {
    expected: "samples up to 255 or 65535",
    found: `those of ${name} go up to ${max}, which neither 8 nor 16 bits divide evenly`,
    wayOut: "scale it to 16 bits, or bring it as float .npy",
    details: { name, max },
  });
  if (samples === undefined) throw labelsOnly;
  return { ...shape, data: new Uint8Array(0), stored: samples, labelsOnly };
}
