import { unreadablePicture } from "../picture/unreadable-picture.ts";
import { endOfSubBlocks } from "./gif-blocks.ts";

/** The first frame of a GIF: palette indices laid on its screen, -1 where the screen shows through. */
export interface RawGif {
  readonly height: number;
  readonly width: number;
  /** Length height * width. */
  readonly data: Int16Array;
  /** RGB triples. */
  readonly palette: Uint8Array;
}

/** Rows of an interlaced frame: first row and distance of each pass. */
const passes = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/**
 * Decodes the first frame of a GIF. The screen size is in the header: check it before.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE when the file is damaged or truncated.
 */
export function decodeGif(bytes: Uint8Array, name: string): RawGif {
  try {
    return firstFrame(bytes);
  } catch (cause) {
    const found = `is a truncated or damaged GIF (${(cause as Error).message})`;
    throw unreadablePicture(name, found, { cause });
  }
}

function firstFrame(bytes: Uint8Array): RawGif {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  let at = 13;
  const table = (flags: number): Uint8Array | undefined => {
    if ((flags & 0x80) === 0) return undefined;
    const length = 3 << ((flags & 7) + 1);
    at += length;
    if (at > bytes.length) throw new RangeError("the palette is cut off");
    return bytes.subarray(at - length, at);
  };
  const globalTable = table(view.getUint8(10));
  let transparent = -1;
  for (;;) {
    const block = view.getUint8(at);
    if (block === 0x21) {
      if (view.getUint8(at + 1) === 0xf9 && (view.getUint8(at + 3) & 1) === 1) {
        transparent = view.getUint8(at + 6);
      }
      at = endOfSubBlocks(view, at + 2);
      continue;
    }
    if (block !== 0x2c) throw new RangeError("it holds no frame");
    break;
  }
  const [left, top, w, h] = [1, 3, 5, 7].map((k) => view.getUint16(at + k, true)) as [
    number,
    number,
    number,
    number,
  ];
  if (left + w > width || top + h > height)
    throw new RangeError("its frame is larger than its screen");
  const flags = view.getUint8(at + 9);
  at += 10;
  const palette = table(flags) ?? globalTable;
  if (!palette) throw new RangeError("it has no palette");
  const indices = inflateLzw(subBlocks(view, at + 1), view.getUint8(at), w * h);

  const data = new Int16Array(height * width).fill(-1);
  const order =
    (flags & 0x40) === 0 ? rows(0, 1, h) : passes.flatMap(([first, step]) => rows(first, step, h));
  order.forEach((y, row) => {
    for (let x = 0; x < w; x++) {
      const index = indices[row * w + x] as number;
      if (3 * index >= palette.length) throw new RangeError("a pixel points outside the palette");
      if (index !== transparent) data[(top + y) * width + left + x] = index;
    }
  });
  return { height, width, data, palette };
}

function rows(first: number, step: number, height: number): number[] {
  return Array.from(
    { length: Math.max(0, Math.ceil((height - first) / step)) },
    (_, k) => first + k * step,
  );
}

/** Joins the sub-blocks that start at `at`. */
function subBlocks(view: DataView, at: number): Uint8Array {
  const end = endOfSubBlocks(view, at);
  const data = new Uint8Array(end - at);
  let filled = 0;
  for (let block = at; block < end - 1; block += 1 + view.getUint8(block)) {
    const length = view.getUint8(block);
    data.set(new Uint8Array(view.buffer, view.byteOffset + block + 1, length), filled);
    filled += length;
  }
  return data.subarray(0, filled);
}

/** GIF's variable-width LZW; returns exactly `size` indices. */
function inflateLzw(data: Uint8Array, minimum: number, size: number): Uint8Array {
  if (minimum < 1 || minimum > 8) throw new RangeError("its code size is out of range");
  const clear = 1 << minimum;
  const prefix = new Uint16Array(4096);
  const suffix = Uint8Array.from({ length: 4096 }, (_, code) => code & 255);
  const stack = new Uint8Array(4097);
  const out = new Uint8Array(size);
  let [bits, count, width, next, previous, first] = [0, 0, minimum + 1, clear + 2, -1, 0];
  let [at, filled] = [0, 0];
  while (filled < size) {
    while (count < width) {
      if (at >= data.length) throw new RangeError("pixels are missing");
      bits |= (data[at++] as number) << count;
      count += 8;
    }
    let code = bits & ((1 << width) - 1);
    bits >>= width;
    count -= width;
    if (code === clear) {
      [width, next, previous] = [minimum + 1, clear + 2, -1];
      continue;
    }
    if (code === clear + 1) throw new RangeError("pixels are missing");
    if (code > next || (code === next && previous < 0))
      throw new RangeError("a code is out of range");
    const current = code;
    let depth = 0;
    if (code === next) {
      stack[depth++] = first;
      code = previous;
    }
    while (code >= clear) {
      stack[depth++] = suffix[code] as number;
      code = prefix[code] as number;
    }
    first = code;
    stack[depth++] = first;
    while (depth > 0 && filled < size) {
      depth -= 1;
      out[filled++] = stack[depth] as number;
    }
    if (previous >= 0 && next < 4096) {
      prefix[next] = previous;
      suffix[next] = first;
      next += 1;
      if (next === 1 << width && width < 12) width += 1;
    }
    previous = current;
  }
  return out;
}
