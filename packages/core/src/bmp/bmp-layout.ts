import { checkImageSize } from "../image-size.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";

/** A BMP as its headers describe it. */
export interface BmpLayout {
  readonly height: number;
  readonly width: number;
  /** Bits per pixel: 1, 2, 4, 8, 16, 24 or 32. */
  readonly bits: 1 | 2 | 4 | 8 | 16 | 24 | 32;
  /** Whether runs of pixels are packed (RLE8, RLE4). */
  readonly isPacked: boolean;
  /** Whether the first row is the top one. */
  readonly isTopDown: boolean;
  /** Where the pixels start. */
  readonly start: number;
  /** RGB triples, of at most 8 bits per pixel. */
  readonly palette?: Uint8Array | undefined;
  /** Which bits of a pixel are red, green, blue and alpha, of 16 or 32; 0 where there is none. */
  readonly masks?: readonly [red: number, green: number, blue: number, alpha: number] | undefined;
}

const knownHeaders = [12, 16, 40, 52, 56, 64, 108, 124];

/**
 * Reads the headers of a BMP: of OS/2 (12, 16 or 64 bytes) and of Windows (40 to 124 bytes).
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE
 */
export function readBmpLayout(bytes: Uint8Array, name: string, maxPixels?: number): BmpLayout {
  try {
    return layoutOf(bytes, name, maxPixels);
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw unreadablePicture(name, `is a damaged BMP (${cause.message})`, { cause });
    }
    throw cause;
  }
}

function layoutOf(bytes: Uint8Array, name: string, maxPixels?: number): BmpLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = view.getUint32(14, true);
  if (!knownHeaders.includes(header)) {
    throw new RangeError(`it has a header of ${header} bytes, which no kind has`);
  }
  const isCore = header === 12;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  checkImageSize(name, [height, width], maxPixels);
  const bits = view.getUint16(isCore ? 24 : 28, true);
  if (!isBits(bits)) throw new RangeError(`it has ${bits} bits per pixel`);
  const hasFields = header >= 40;
  const compression = hasFields || header === 64 ? view.getUint32(30, true) : 0;
  const isPacked = (compression === 1 && bits === 8) || (compression === 2 && bits === 4);
  const isMasked = (compression === 3 || compression === 6) && header !== 64;
  const isPlain = compression === 0 || (isMasked && (bits === 16 || bits === 32));
  if (!isPacked && !isPlain) {
    throw unreadablePicture(name, `is a BMP of ${bits} bits compressed as ${compression}`, {
      wayOut: "save it uncompressed, or as PNG",
    });
  }
  if (isPacked && signedHeight < 0) throw new RangeError("packed rows go from the bottom up");
  const maskBytes = isMasked && header === 40 ? (compression === 6 ? 16 : 12) : 0;
  const start = view.getUint32(10, true);
  if (start < 14 + header + maskBytes || start > bytes.length) {
    throw new RangeError("its pixels start outside of it");
  }
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (!isPacked && start + rowBytes * height > bytes.length) {
    throw unreadablePicture(name, "is a truncated BMP");
  }
  return {
    height,
    width,
    bits,
    isPacked,
    isTopDown: signedHeight < 0,
    start,
    palette: bits <= 8 ? paletteOf(view, { header, maskBytes, bits, start }) : undefined,
    masks: bits === 16 || bits === 32 ? masksOf(view, { header, isMasked, bits }) : undefined,
  };
}

function isBits(bits: number): bits is BmpLayout["bits"] {
  return [1, 2, 4, 8, 16, 24, 32].includes(bits);
}

function paletteOf(
  view: DataView,
  place: { header: number; maskBytes: number; bits: number; start: number },
): Uint8Array {
  const { header, maskBytes, bits, start } = place;
  const size = header === 12 ? 3 : 4;
  const at = 14 + header + maskBytes;
  const used = header >= 40 ? view.getUint32(46, true) : 0;
  const most = used > 0 && used <= 2 ** bits ? used : 2 ** bits;
  const count = Math.min(most, Math.floor((start - at) / size));
  const palette = new Uint8Array(3 * count);
  for (let k = 0; k < count; k++) {
    for (let c = 0; c < 3; c++) palette[3 * k + c] = view.getUint8(at + size * k + 2 - c);
  }
  return palette;
}

function masksOf(
  view: DataView,
  { header, isMasked, bits }: { header: number; isMasked: boolean; bits: 16 | 32 },
): BmpLayout["masks"] {
  if (!isMasked) {
    // The fourth byte of 32 bits is reserved: no alpha.
    return bits === 16 ? [0x7c_00, 0x03_e0, 0x1f, 0] : [0xff_00_00, 0xff_00, 0xff, 0];
  }
  const at = (k: number): number => view.getUint32(54 + 4 * k, true);
  const hasAlpha = header >= 56 || (header === 40 && view.getUint32(30, true) === 6);
  const masks = [at(0), at(1), at(2), hasAlpha ? at(3) : 0] as const;
  const areRuns = masks.every((mask) => isRun(mask) && (bits === 32 || mask <= 0xff_ff));
  const overlap = masks.some((mask, i) =>
    masks.some((other, j) => i !== j && (mask & other) !== 0),
  );
  if (masks.slice(0, 3).includes(0) || !areRuns || overlap) {
    throw new RangeError("the bits of its colours make no sense");
  }
  return masks;
}

/** Whether the bits that are set lie side by side, 8 at most, or none is. */
function isRun(mask: number): boolean {
  if (mask === 0) return true;
  const run = mask / 2 ** (31 - Math.clz32(mask & -mask));
  return run <= 255 && ((run + 1) & run) === 0;
}
