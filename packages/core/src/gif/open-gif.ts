import { checkPictureHeader } from "../picture/check-picture-header.ts";
import type { Picture, Raster } from "../picture/raster.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";
import { countFrames } from "./gif-blocks.ts";
import { decodeGif, type RawGif } from "./decode-gif.ts";

/**
 * Opens a GIF; its first frame counts.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE (also by `decode`), ERR_IMAGE_TOO_LARGE
 */
export function openGif(bytes: Uint8Array, name: string, maxPixels?: number): Picture {
  if (bytes.length < 13) throw unreadablePicture(name, "is a truncated GIF");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  checkPictureHeader(name, "GIF", { height, width, depth: 8, colour: "palette" }, maxPixels);
  // Files end with a trailer (0x3b) and, from some programs, with padding zeros.
  const end = bytes[bytes.length - 1];
  if (end !== 0x3b && end !== 0) throw unreadablePicture(name, "is a truncated GIF");
  const pages = countFrames(bytes);
  return { grey: false, pages, decode: async () => toRaster(decodeGif(bytes, name)) };
}

/** Transparent pixels get the palette index 0 and are counted. */
function toRaster({ height, width, data: indices, palette }: RawGif): Raster {
  const data = new Uint8Array(3 * indices.length);
  const stored = new Uint8Array(indices.length);
  let transparentPixels = 0;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    if (index < 0) transparentPixels++;
    stored[i] = Math.max(0, index);
    for (let c = 0; c < 3; c++) data[3 * i + c] = palette[3 * Math.max(0, index) + c] as number;
  }
  return {
    height,
    width,
    channels: 3,
    data,
    bitDepth: 8,
    transparentPixels,
    clear:
      transparentPixels > 0 ? Uint8Array.from(indices, (index) => (index < 0 ? 1 : 0)) : undefined,
    stored: { data: stored, max: 255, palette },
  };
}
