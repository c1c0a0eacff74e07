import type { PictureHeader } from "./check-picture-header.ts";

/** What the header of a JPEG says, and where its picture ends. */
export interface JpegHeader extends PictureHeader {
  /** Passes over the pixels; each takes time, whatever it holds. */
  readonly scans: number;
  /** Where the marker of its end is; undefined where the file ends before. */
  readonly end: number | undefined;
  /** Whether the file ends before its last scan does. */
  readonly truncated: boolean;
}

/**
 * Reads the header of a JPEG: walks the markers up to the first scan; the frame header (SOF) holds size
 * and components. Then it walks the scans, without decoding them.
 *
 * @throws RangeError when it ends too early or is none
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: PictureHeader | undefined;
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
  const { scans, end } = walkScans(view, at);
  return { ...frame, scans, end, truncated: end === undefined };
}

/** Counts scans, the first of which starts at `at`, up to the marker of the end. */
function walkScans(view: DataView, at: number): Pick<JpegHeader, "scans" | "end"> {
  let scans = 0;
  while (at + 4 <= view.byteLength) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xd9) return { scans, end: at };
    if (marker === 0xda) scans += 1;
    at += 2 + Math.max(2, view.getUint16(at + 2));
    // Inside a scan 0xff is followed by 0, or by the number of a restart.
    while (at + 2 <= view.byteLength && !isMarker(view, at)) at += 1;
  }
  const isEnd = at + 2 <= view.byteLength && view.getUint8(at + 1) === 0xd9;
  return { scans, end: isEnd ? at : undefined };
}

function isMarker(view: DataView, at: number): boolean {
  const [first, second] = [view.getUint8(at), view.getUint8(at + 1)];
  return first === 0xff && second !== 0 && second !== 0xff && !(second >= 0xd0 && second <= 0xd7);
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
