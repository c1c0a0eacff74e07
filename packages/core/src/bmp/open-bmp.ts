import type { Picture, Raster } from "../picture/raster.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";
import { readBmpLayout, type BmpLayout } from "./bmp-layout.ts";
import { unpackRuns } from "./unpack-runs.ts";

/**
 * Opens a BMP of any kind: 1 to 8 bits of a palette, packed or not, 16, 24 and 32 bits, with or without
 * masks, from the bottom up or the top down. Parts of fewer than 8 bits take up 0 to 255, rounded down.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE (also by `decode`), ERR_IMAGE_TOO_LARGE
 */
export function openBmp(bytes: Uint8Array, name: string, maxPixels?: number): Picture {
  const layout = readBmpLayout(bytes, name, maxPixels);
  return {
    grey: false,
    decode: async () => {
      try {
        return layout.palette ? indexed(bytes, layout, layout.palette) : coloured(bytes, layout);
      } catch (cause) {
        const found = `is a damaged BMP (${(cause as Error).message})`;
        throw unreadablePicture(name, found, { cause });
      }
    },
  };
}

/** Where a row of the picture, counted from the top, lies among those of the file. */
const storedRow = ({ height, isTopDown }: BmpLayout, y: number): number =>
  isTopDown ? y : height - 1 - y;

function indexed(bytes: Uint8Array, layout: BmpLayout, palette: Uint8Array): Raster {
  const { height, width, bits, start, isPacked } = layout;
  const unpacked = isPacked ? unpackRuns(bytes.subarray(start), layout) : undefined;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const most = 2 ** bits - 1;
  const stored = new Uint8Array(height * width);
  const data = new Uint8Array(3 * height * width);
  for (let y = 0; y < height; y++) {
    const row = storedRow(layout, y);
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      const byte = bytes[start + row * rowBytes + (bit >> 3)] as number;
      const index = unpacked?.[row * width + x] ?? (byte >> (8 - bits - (bit & 7))) & most;
      if (3 * index >= palette.length) throw new RangeError("a pixel points outside the palette");
      const i = y * width + x;
      stored[i] = index;
      for (let c = 0; c < 3; c++) data[3 * i + c] = palette[3 * index + c] as number;
    }
  }
  return {
    height,
    width,
    channels: 3,
    data,
    bitDepth: 8,
    transparentPixels: 0,
    stored: { data: stored, max: most, palette },
  };
}

function coloured(bytes: Uint8Array, layout: BmpLayout): Raster {
  const { height, width, bits, start, masks } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const fields = (masks ?? []).map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { shift, most: mask >>> shift };
  });
  const data = new Uint8Array(3 * height * width);
  let transparentPixels = 0;
  for (let y = 0; y < height; y++) {
    const row = start + storedRow(layout, y) * rowBytes;
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (bits === 24) {
        for (let c = 0; c < 3; c++) data[3 * i + c] = bytes[row + 3 * x + 2 - c] as number;
        continue;
      }
      const pixel =
        bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true);
      fields.forEach(({ shift, most }, c) => {
        const part = (pixel >>> shift) & most;
        if (c < 3) data[3 * i + c] = Math.floor((part * 255) / most);
        else if (part !== most) transparentPixels++;
      });
    }
  }
  return { height, width, channels: 3, data, bitDepth: 8, transparentPixels };
}
