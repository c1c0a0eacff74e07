import { isPng, readJpegHeader, type PictureHeader } from "@onnx-asma/core/png";

/** The image file formats that are recognised by their first bytes. */
export type ImageFormat = "png" | "jpeg" | "bmp" | "tiff" | "gif" | "npy";

/** What the header of an image file says about its pixels, before any is decoded. */
export interface ImageHeader extends PictureHeader {
  readonly format: ImageFormat;
  /** Whether the file ends before its header promises. */
  readonly truncated: boolean;
}

/** Which format `bytes` starts like, or undefined when it is none that we know. */
export function sniffFormat(bytes: Uint8Array): ImageFormat | undefined {
  const starts = (...signature: number[]): boolean =>
    signature.every((byte, i) => bytes[i] === byte);
  if (isPng(bytes)) return "png";
  if (starts(0xff, 0xd8, 0xff)) return "jpeg";
  if (starts(0x47, 0x49, 0x46, 0x38)) return "gif";
  if (starts(0x49, 0x49, 0x2a, 0) || starts(0x4d, 0x4d, 0, 0x2a)) return "tiff";
  if (starts(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) return "npy";
  if (starts(0x42, 0x4d)) return "bmp";
  return undefined;
}

/**
 * Reads the header of a JPEG, GIF, BMP or TIFF file (PNG and npy have readers of their own).
 *
 * @throws RangeError when the header ends too early or holds no size.
 */
export function readImageHeader(
  format: "jpeg" | "gif" | "bmp" | "tiff",
  bytes: Uint8Array,
): ImageHeader {
  if (format === "jpeg") return { format, ...readJpegHeader(bytes) };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === "gif") return gifHeader(view);
  if (format === "bmp") return bmpHeader(view);
  return tiffHeader(view);
}

function gifHeader(view: DataView): ImageHeader {
  const end = view.getUint8(view.byteLength - 1);
  return {
    format: "gif",
    height: view.getUint16(8, true),
    width: view.getUint16(6, true),
    depth: 8,
    colour: "palette",
    // Files end with a trailer (0x3b) and, from some programs, with padding zeros.
    truncated: end !== 0x3b && end !== 0,
  };
}

function bmpHeader(view: DataView): ImageHeader {
  const core = view.getUint32(14, true) === 12;
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(core ? view.getUint16(20, true) : view.getInt32(22, true));
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? 0 : view.getUint32(30, true);
  if (!core && view.getUint32(46, true) > 256)
    throw new RangeError("its palette holds more than 256 colours");
  const packed = compression === 1 || compression === 2;
  const end = view.getUint32(10, true) + height * Math.ceil((width * bits) / 32) * 4;
  const truncated = !packed && end > view.byteLength;
  return {
    format: "bmp",
    height,
    width,
    depth: 8,
    colour: bits <= 8 ? "palette" : "rgb",
    truncated,
  };
}

/** Reads the first page's directory; the chain of further pages is not followed. */
function tiffHeader(view: DataView): ImageHeader {
  const little = view.getUint8(0) === 0x49;
  const at = view.getUint32(4, little);
  const tags = new Map<number, number[]>();
  for (let i = 0; i < view.getUint16(at, little); i++) {
    const entry = at + 2 + 12 * i;
    const size = { 1: 1, 3: 2, 4: 4 }[view.getUint16(entry + 2, little)];
    if (size === undefined) continue;
    const count = Math.min(view.getUint32(entry + 4, little), 16_384);
    const start = size * count <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    const read = (offset: number): number =>
      size === 1
        ? view.getUint8(offset)
        : size === 2
          ? view.getUint16(offset, little)
          : view.getUint32(offset, little);
    tags.set(
      view.getUint16(entry, little),
      Array.from({ length: count }, (_, k) => read(start + size * k)),
    );
  }
  const [width] = tags.get(256) ?? [];
  const [height] = tags.get(257) ?? [];
  if (width === undefined || height === undefined) throw new RangeError("the TIFF holds no size");
  const photometric = tags.get(262)?.[0] ?? 1;
  const starts = tags.get(273) ?? tags.get(324) ?? [];
  const counts = tags.get(279) ?? tags.get(325) ?? [];
  return {
    format: "tiff",
    height,
    width,
    depth: Math.max(...(tags.get(258) ?? [1])),
    colour:
      photometric <= 1
        ? "grey"
        : photometric === 3
          ? "palette"
          : photometric === 5
            ? "cmyk"
            : "rgb",
    truncated: starts.some((start, i) => start + (counts[i] ?? 0) > view.byteLength),
  };
}
