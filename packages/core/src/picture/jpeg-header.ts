import type { PictureHeader } from "./check-picture-header.ts";

/** What the header of a JPEG says. */
export interface JpegHeader extends PictureHeader {
  /** Whether the file ends before its last scan does. */
  readonly truncated: boolean;
  /** Passes over the pixels; each takes time, whatever it holds. */
  readonly scans: number;
}

/**
 * Reads the header of a JPEG: walks the markers up to the first scan; the frame header (SOF) holds size
 * and components.
 *
 * @throws RangeError when it ends too early or is none
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: Omit<JpegHeader, "truncated" | "scans"> | undefined;
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) throw new RangeError("a JPEG marker was expected");
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker === 0xd9) throw new RangeError("the JPEG holds no scan");
    if (marker === 0xda) break;
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const components = view.getUint8(at + 9);
      frame = {
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        depth: view.getUint8(at + 4),
        colour: components === 1 ? "grey" : components === 3 ? "rgb" : "cmyk",
      };
    }
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  if (!frame) throw new RangeError("the JPEG holds no frame header");
  // Inside a scan 0xff is followed by 0, so the end marker cannot be picture data.
  let ended = false;
  for (let i = view.byteLength - 2; i > at && !ended; i--) {
    ended = view.getUint8(i) === 0xff && view.getUint8(i + 1) === 0xd9;
  }
  let scans = 0;
  for (let i = at; i + 1 < view.byteLength; i++) {
    if (view.getUint8(i) === 0xff && view.getUint8(i + 1) === 0xda) scans += 1;
  }
  return { ...frame, scans, truncated: !ended };
}

/** Most scans that are decoded, as in libvips; encoders write about ten. */
const mostScans = 100;

/**
 * Refuses a JPEG whose scans are too many: each takes the time of the whole picture.
 *
 * @throws RangeError
 */
export function checkScans({ scans }: Pick<JpegHeader, "scans">): void {
  if (scans > mostScans) {
    throw new RangeError(`it has ${scans} scans, more than ${mostScans}`);
  }
}
