import { refusal } from "../errors.ts";
import { checkImageSize } from "../image-size.ts";
import type { Size } from "../image.ts";
import { parseNpy } from "../npy/parse-npy.ts";
import type { Raster } from "../picture/raster.ts";

/** Integers per pixel, and what they are. */
export interface MaskValues {
  readonly kind: "grey value" | "palette index" | "colour" | "value";
  readonly values: ArrayLike<number>;
  /** Largest value that the file could store (white). */
  readonly max: number;
  /** RGB triples, of palette indices. */
  readonly palette?: Uint8Array | undefined;
}

/**
 * The integers of a picture: grey values or palette indices as it stores them, and those of an RGB picture whose
 * channels are equal; otherwise its colours, 0xRRGGBB.
 *
 * @throws AsmaError ERR_ARRAY_DTYPE for floating-point values other than whole numbers, ERR_MASK_VALUES for
 *   colours of 16 bits that 8 do not hold
 */
export function rasterValues(path: string, raster: Raster): MaskValues {
  const { stored, data, channels, bitDepth } = raster;
  if (stored) {
    const kind = stored.palette ? "palette index" : "grey value";
    return { kind, values: stored.data, max: stored.max, palette: stored.palette };
  }
  if (bitDepth === 32) throw floatError(path);
  const planes = { r: 0, g: channels === 3 ? 1 : 0, b: channels === 3 ? 2 : 0 };
  const pixels = data.length / channels;
  const colours = new Int32Array(pixels);
  const values = new Int32Array(pixels);
  let [isGrey, isWide] = [true, false];
  for (let i = 0; i < pixels; i++) {
    const [r, g, b] = [planes.r, planes.g, planes.b].map((c) => data[channels * i + c]) as [
      number,
      number,
      number,
    ];
    values[i] = r;
    if (r !== g || r !== b) isGrey = false;
    if (bitDepth === 8) colours[i] = (r << 16) | (g << 8) | b;
    else {
      colours[i] = ((r >> 8) << 16) | ((g >> 8) << 8) | (b >> 8);
      if (r % 257 !== 0 || g % 257 !== 0 || b % 257 !== 0) isWide = true;
    }
  }
  if (isGrey) return { kind: "grey value", values, max: 2 ** bitDepth - 1 };
  if (isWide) {
    throw refusal("ERR_MASK_VALUES", {
      expected: "colours of 8 bits in the mask",
      found: `'${path}' holds colours of 16`,
      wayOut: "save it with 8 bits, or as grey labels",
      details: { path },
    });
  }
  return { kind: "colour", values: colours, max: 0xff_ff_ff };
}

/**
 * The integers of an `.npy` array of shape [H, W], [1, H, W], [1, 1, H, W], [H, W, 1] or [1, H, W, 1], of volumes with a
 * depth before the height; whole numbers in floating point count.
 *
 * @throws AsmaError ERR_ARRAY_SHAPE, ERR_ARRAY_DTYPE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_UNREADABLE
 */
export function npyValues(
  path: string,
  bytes: Uint8Array,
  maxPixels: number,
  spatialAxes: 2 | 3,
): { values: MaskValues; dims: Size } {
  const { data, dims } = parseNpy(bytes, path);
  const size = sizeOfMask(dims, spatialAxes);
  if (size === undefined) {
    const axes = spatialAxes === 2 ? "H, W" : "D, H, W";
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: `a mask of shape [${axes}], [1, ${axes}] or [${axes}, 1]`,
      found: `'${path}' has shape [${dims.join(", ")}]`,
      wayOut: "take the argmax over classes first",
      details: { path, dims },
    });
  }
  checkImageSize(`'${path}'`, size, maxPixels);
  if (!(data as Float64Array).every(Number.isInteger)) throw floatError(path);
  return { values: { kind: "value", values: data, max: 255 }, dims: size };
}

/** What axes of one entry leave; those in front go first. */
function sizeOfMask(dims: readonly number[], spatialAxes: number): Size | undefined {
  const isSqueezed = (some: readonly number[]) => some.every((dim) => dim === 1);
  const extra = dims.length - spatialAxes;
  if (extra < 0 || extra > 2) return undefined;
  const before = [extra, extra - 1].find(
    (n) => n >= 0 && isSqueezed([...dims.slice(0, n), ...dims.slice(n + spatialAxes)]),
  );
  return before === undefined
    ? undefined
    : (dims.slice(before, before + spatialAxes) as unknown as Size);
}

function floatError(path: string): Error {
  return refusal("ERR_ARRAY_DTYPE", {
    expected: "labels, which are whole numbers,",
    found: `'${path}' holds fractions`,
    wayOut:
      "decide them first: take the argmax over classes, or set a border, as in (array > 0.5).astype('uint8')",
    details: { path },
  });
}
