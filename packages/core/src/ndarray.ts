import { AsmaError } from "./errors.ts";
import { countOf, type ImageDims, type ImageTensor, type LabelMap, type Size } from "./image.ts";

/** Element types that move between tensors and ndarrays. */
export type NdarrayData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array;

/** An ndarray by its structure: any object with these four fields is taken. */
export interface NdarrayLike<T extends NdarrayData> {
  readonly data: T;
  readonly shape: readonly number[];
  /** Elements (not bytes) from one index to the next, per axis; may be negative. */
  readonly stride: readonly number[];
  /** Element of `data` that holds index 0, 0, … */
  readonly offset: number;
}

/**
 * Copies an ndarray, whatever its strides, to a tensor in C order with data of its own.
 *
 * @throws AsmaError `ERR_ARRAY_SHAPE` when an index falls outside `data`
 */
export function fromNdarray<T extends NdarrayData>(
  array: NdarrayLike<T>,
): { data: T; dims: number[] } {
  const dims = [...array.shape];
  const size = countOf(dims);
  const data = new (array.data.constructor as new (length: number) => T)(size);
  const index = dims.map(() => 0);
  let at = array.offset;
  for (let k = 0; k < size; k++) {
    const value = array.data[at];
    if (value === undefined) {
      throw new AsmaError(
        "ERR_ARRAY_SHAPE",
        `Expected an ndarray whose elements lie in its data but index [${index.join(", ")}] does not: check shape, stride and offset.`,
        { details: { index } },
      );
    }
    data[k] = value;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const stride = array.stride[axis] ?? 0;
      at += stride;
      index[axis] = (index[axis] ?? 0) + 1;
      if (index[axis] !== dims[axis]) {
        break;
      }
      at -= stride * (dims[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { data, dims };
}

/**
 * An image in either form as a tensor.
 *
 * @param spatialAxes 2, or 3 for volumes
 * @throws AsmaError `ERR_ARRAY_SHAPE`, `ERR_ARRAY_DTYPE` for anything else
 */
export function toImageTensor(
  image: ImageTensor | NdarrayLike<Float32Array>,
  spatialAxes: number,
): ImageTensor {
  checkArray(image, Float32Array, "the image");
  if ("dims" in image) {
    return image;
  }
  const { data, dims } = fromNdarray(image);
  const withBatch = dims.length === spatialAxes + 2 ? dims : [1, ...dims];
  return { data, dims: withBatch as readonly number[] as ImageDims };
}

/**
 * Labels in either form as a map.
 *
 * @throws AsmaError `ERR_ARRAY_DTYPE` for anything else
 */
export function toLabelMap(labels: LabelMap | NdarrayLike<Int32Array>): LabelMap {
  checkArray(labels, Int32Array, "the target");
  if ("dims" in labels) {
    return labels;
  }
  const { data, dims } = fromNdarray(labels);
  return { data, dims: dims as readonly number[] as Size };
}

function checkArray(
  value: { readonly data: unknown } | undefined | null,
  expected: typeof Float32Array | typeof Int32Array,
  name: string,
): void {
  const { data, dims, shape } = (value ?? {}) as Record<string, unknown>;
  if (!(data instanceof expected) || !(Array.isArray(dims) || Array.isArray(shape))) {
    const found = Object.prototype.toString.call(data).slice(8, -1);
    throw new AsmaError(
      "ERR_ARRAY_DTYPE",
      `Expected ${name} as { data: ${expected.name}, dims } or as an ndarray but found data of type ${found}${Array.isArray(dims) || Array.isArray(shape) ? "" : " and no dims"}.`,
      { details: { found } },
    );
  }
}
