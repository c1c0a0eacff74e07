import { crc32, inflateSync } from "node:zlib";
import { checkImageSize } from "@onnx-asma/core";
import { unreadable } from "./image-errors.ts";

/** A PNG as it is stored: samples before any palette, scaling or colour conversion. */
export interface RawPng {
  readonly height: number;
  readonly width: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  readonly colour: "grey" | "rgb" | "palette" | "grey-alpha" | "rgb-alpha";
  /** Samples per pixel: 1 to 4. */
  readonly channels: number;
  /** Unscaled samples, length height * width * channels, row by row, channels interleaved. */
  readonly data: Uint8Array | Uint16Array;
  /** RGB triples of a palette file. */
  readonly palette?: Uint8Array;
  /** The tRNS chunk: opacities of palette entries (one byte each), or the one transparent colour (two bytes each). */
  readonly transparency?: Uint8Array;
}

/** Everything of a PNG but its pixels, which are still compressed. */
export interface PngLayout extends Omit<RawPng, "data"> {
  readonly interlaced: boolean;
  readonly idat: readonly Uint8Array[];
}

const colours = { 0: "grey", 2: "rgb", 3: "palette", 4: "grey-alpha", 6: "rgb-alpha" } as const;
const channelsOf = { grey: 1, rgb: 3, palette: 1, "grey-alpha": 2, "rgb-alpha": 4 } as const;
const depthsOf = {
  grey: [1, 2, 4, 8, 16],
  rgb: [8, 16],
  palette: [1, 2, 4, 8],
  "grey-alpha": [8, 16],
  "rgb-alpha": [8, 16],
};

/** Adam7: first column, first row, column step, row step of each pass. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * Decodes a PNG of any kind to its stored samples. The pixel data is inflated to exactly the size
 * that the header promises and no further, so that a small file cannot exhaust memory.
 *
 * @param path Names the file in messages.
 * @throws AsmaError ERR_IMAGE_UNREADABLE when the pixel data is damaged or truncated.
 */
export function decodePng({ interlaced, idat, ...layout }: PngLayout, path: string): RawPng {
  const { height, width, depth, channels } = layout;
  const passes = (interlaced ? adam7 : ([[0, 0, 1, 1]] as const))
    .map(([x, y, dx, dy]) => ({
      x,
      y,
      dx,
      dy,
      w: Math.ceil((width - x) / dx),
      h: Math.ceil((height - y) / dy),
    }))
    .filter(({ w, h }) => w > 0 && h > 0);
  const rowBytes = (w: number): number => Math.ceil((w * channels * depth) / 8);
  const expected = passes.reduce((sum, { w, h }) => sum + h * (1 + rowBytes(w)), 0);
  const raw = inflate(idat, expected, path);

  const data = new (depth === 16 ? Uint16Array : Uint8Array)(height * width * channels);
  const step = Math.max(1, (channels * depth) >> 3);
  let at = 0;
  for (const { x, y, dx, dy, w, h } of passes) {
    const length = rowBytes(w);
    let previous: Uint8Array = new Uint8Array(length);
    for (let row = 0; row < h; row++) {
      const filter = raw[at] ?? 0;
      if (filter > 4) throw unreadable(path, "holds a PNG row with an unknown filter");
      const line = raw.subarray(at + 1, at + 1 + length);
      unfilter(filter, line, previous, step);
      scatter(line, data, {
        start: ((y + row * dy) * width + x) * channels,
        dx,
        w,
        channels,
        depth,
      });
      previous = line;
      at += 1 + length;
    }
  }
  const entries = layout.palette ? layout.palette.length / 3 : Infinity;
  if (layout.colour === "palette" && data.some((index) => index >= entries)) {
    throw unreadable(path, "is a damaged PNG (a pixel points outside the palette)");
  }
  return { ...layout, data };
}

/**
 * Reads the chunks of a PNG without inflating its pixels.
 *
 * @throws AsmaError ERR_IMAGE_TOO_LARGE when the header claims more than `maxPixels`,
 * ERR_IMAGE_UNREADABLE when the file is damaged or truncated.
 */
export function readPngLayout(bytes: Uint8Array, path: string, maxPixels: number): PngLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.byteLength < 33 || name(12) !== "IHDR")
    throw unreadable(path, "is a PNG that ends in its header");
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  checkImageSize(`'${path}'`, [height, width], maxPixels);
  const depth = view.getUint8(24);
  const colour = colours[view.getUint8(25) as keyof typeof colours] as RawPng["colour"] | undefined;
  const [compression, filter, interlace] = [
    view.getUint8(26),
    view.getUint8(27),
    view.getUint8(28),
  ];
  if (!colour || !depthsOf[colour].includes(depth) || compression + filter > 0 || interlace > 1) {
    throw unreadable(path, "is a PNG of a kind that does not exist");
  }
  const idat: Uint8Array[] = [];
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  for (let at = 8; ;) {
    const length = at + 12 <= bytes.byteLength ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.byteLength) throw unreadable(path, "is a truncated PNG");
    const type = name(at + 4);
    const chunk = bytes.subarray(at + 8, at + 8 + length);
    const critical = ["IHDR", "PLTE", "tRNS", "IDAT"].includes(type);
    if (
      critical &&
      crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)
    ) {
      throw unreadable(path, `is a damaged PNG (the checksum of a ${type} chunk is wrong)`);
    }
    if (type === "IDAT") idat.push(chunk);
    if (type === "PLTE") palette = chunk;
    if (type === "tRNS") transparency = chunk;
    if (type === "IEND") break;
    at += 12 + length;
  }
  if (colour === "palette" && !palette?.length)
    throw unreadable(path, "is a palette PNG without a palette");
  const channels = channelsOf[colour];
  return {
    height,
    width,
    depth,
    colour,
    channels,
    interlaced: interlace === 1,
    idat,
    palette,
    transparency,
  };
}

function inflate(idat: readonly Uint8Array[], expected: number, path: string): Uint8Array {
  let raw: Uint8Array;
  try {
    // One byte more than expected tells surplus data from a perfect fit.
    raw = inflateSync(Buffer.concat(idat), { maxOutputLength: expected + 1 });
  } catch (cause) {
    throw unreadable(path, "is a damaged PNG (its pixel data does not inflate to its size)", cause);
  }
  if (raw.length < expected) throw unreadable(path, "is a truncated PNG (pixel rows are missing)");
  return raw;
}

/** Undoes one row's filter in place; `step` is the distance in bytes to the pixel on the left. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) {
    const a = i >= step ? (line[i - step] as number) : 0;
    const b = above[i] as number;
    let predicted = a;
    if (filter === 2) predicted = b;
    else if (filter === 3) predicted = (a + b) >> 1;
    else if (filter === 4) {
      const c = i >= step ? (above[i - step] as number) : 0;
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      predicted = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
    line[i] = (line[i] as number) + predicted;
  }
}

interface RowPlace {
  readonly start: number;
  readonly dx: number;
  readonly w: number;
  readonly channels: number;
  readonly depth: number;
}

/** Unpacks one row of samples (any depth) and lays it `dx` pixels apart from `start` on. */
function scatter(line: Uint8Array, data: Uint8Array | Uint16Array, place: RowPlace): void {
  const { start, dx, w, channels, depth } = place;
  const mask = (1 << depth) - 1;
  for (let x = 0, k = 0; x < w; x++) {
    for (let c = 0; c < channels; c++, k++) {
      const bit = k * depth;
      const sample =
        depth === 8
          ? (line[k] as number)
          : depth === 16
            ? ((line[2 * k] as number) << 8) | (line[2 * k + 1] as number)
            : ((line[bit >> 3] as number) >> (8 - depth - (bit & 7))) & mask;
      data[start + x * dx * channels + c] = sample;
    }
  }
}
