import type { PictureHeader } from "./check-picture-header.ts";
import { exifOrientation } from "./exif-orientation.ts";

/** What the header of a WebP says. */
export interface WebpHeader extends PictureHeader {
  /** Whether the file ends before its header promises. */
  readonly truncated: boolean;
  /** Whether samples may have changed. */
  readonly isLossy: boolean;
  /** The EXIF value, 1 to 8; 1 is upright. */
  readonly orientation: number;
  /** Frames of an animation, otherwise 1. */
  readonly pages: number;
}

/** Whether bytes start as a WebP does. */
export function isWebp(bytes: Uint8Array): boolean {
  return fourAt(bytes, 0) === "RIFF" && fourAt(bytes, 8) === "WEBP";
}

/**
 * Reads the header of a WebP: the size of its canvas, from the first chunk of any of the three kinds.
 *
 * @throws RangeError when it ends too early or is none
 */
export function readWebpHeader(bytes: Uint8Array): WebpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const truncated = 8 + view.getUint32(4, true) > bytes.length;
  const size = sizeOf(view, fourAt(bytes, 12));
  return { ...size, depth: 8, colour: "rgb", truncated, ...chunksOf(view, bytes) };
}

/** What the chunks, and those of frames, say. */
function chunksOf(
  view: DataView,
  bytes: Uint8Array,
): Pick<WebpHeader, "isLossy" | "orientation" | "pages"> {
  let [isLossy, orientation, frames] = [false, 1, 0];
  for (let at = 12; at + 8 <= bytes.length;) {
    const chunk = fourAt(bytes, at);
    const length = view.getUint32(at + 4, true);
    if (chunk === "ANMF") frames += 1;
    if (chunk === "VP8 ") isLossy = true;
    if (chunk === "EXIF") orientation = exifOrientation(bytes.subarray(at + 8, at + 8 + length));
    // A frame has a header of 16 bytes, and chunks of its own behind it.
    at += chunk === "ANMF" ? 24 : 8 + length + (length % 2);
  }
  return { isLossy, orientation, pages: Math.max(1, frames) };
}

function sizeOf(view: DataView, chunk: string): { height: number; width: number } {
  if (chunk === "VP8X") {
    const [low, high] = [view.getUint32(24, true), view.getUint32(26, true)];
    return { width: (low & 0xff_ff_ff) + 1, height: (high >>> 8) + 1 };
  }
  if (chunk === "VP8L") {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3f_ff) + 1, height: ((bits >>> 14) & 0x3f_ff) + 1 };
  }
  if (chunk === "VP8 ") {
    const [width, height] = [view.getUint16(26, true), view.getUint16(28, true)];
    return { width: width & 0x3f_ff, height: height & 0x3f_ff };
  }
  throw new RangeError("the WebP holds no picture");
}

function fourAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
