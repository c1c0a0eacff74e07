import { parse } from "npyjs";
import { kindOf } from "../check-array.ts";
import { AsmaError } from "../errors.ts";

const magic = "\x93NUMPY";

/** Element types that an `.npy` file is read into. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** An array in C order. `dims` may be empty (a scalar). */
export interface NpyArray {
  readonly data: NpyData;
  readonly dims: readonly number[];
  /** The file holds booleans, which `data` has as 0 and 1. */
  readonly isBoolean?: true;
}

/**
 * Reads the bytes of an `.npy` file into C order. float16 becomes float32, booleans become uint8, and
 * 64-bit integers become int32 where their values fit.
 *
 * @param path names the file in messages
 * @throws AsmaError ERR_IMAGE_UNREADABLE (damaged, truncated), ERR_ARRAY_DTYPE (strings, complex numbers,
 *   objects, big-endian or large 64-bit integers)
 */
export function parseNpy(bytes: Uint8Array, path: string): NpyArray {
  if (kindOf(bytes) !== "Uint8Array")
    throw damaged(path, `its bytes are ${kindOf(bytes)}, no Uint8Array`);
  const start = headerEnd(bytes, path);
  const header = latin1(bytes.subarray(0, start));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? "a structured type";
  const dtype = /^[<|=]([biuf][1248])$/.exec(descr)?.[1];
  if (dtype === undefined) throw dtypeError(path, descr);
  const itemsize = Number(dtype[1]);
  // The parser reads to the end of its buffer, so it gets no more than whole elements at offset 0 mod 8.
  const elements = Math.floor((bytes.length - start) / itemsize);
  const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  const dims = shape
    ?.split(",")
    .map((part) => part.trim())
    .filter(Boolean)
    .map(Number);
  const size = dims?.reduce(
    (product, dim) => (Number.isInteger(dim) && dim >= 0 ? product * dim : NaN),
    1,
  );
  if (!dims || size === undefined || Number.isNaN(size))
    throw damaged(path, "its shape cannot be read");
  if (elements < size)
    throw damaged(path, `its shape asks for ${size} values but it holds ${elements}`);
  const aligned = alignHeader(bytes.subarray(0, start + size * itemsize), start);
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(aligned);
  } catch (cause) {
    throw damaged(path, "its header cannot be read", cause);
  }
  const data = toNumbers(parsed.data as unknown as ArrayLike<unknown>, path, descr);
  return {
    data: parsed.fortranOrder ? toCOrder(data, dims) : data,
    dims,
    ...(dtype.startsWith("b") && { isBoolean: true }),
  };
}

/** Where the elements begin. */
function headerEnd(bytes: Uint8Array, path: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (latin1(bytes.subarray(0, 6)) !== magic || bytes.length < 12)
    throw damaged(path, "its first bytes are not those of an .npy file");
  const end = bytes[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (end > bytes.length || end > 65_536) throw damaged(path, "it ends in its header");
  return end;
}

/** Rewrites the header as version 1.0 padded so that elements begin at a multiple of 64 bytes. */
function alignHeader(bytes: Uint8Array, start: number): ArrayBuffer {
  const from = bytes[6] === 1 ? 10 : 12;
  const text = latin1(bytes.subarray(from, start)).trimEnd();
  const end = Math.ceil((10 + text.length + 1) / 64) * 64;
  const copy = new Uint8Array(end + bytes.length - start);
  const header = `${magic}\x01\x00..${text.padEnd(end - 11)}\n`;
  copy.set(Uint8Array.from(header, (c) => c.charCodeAt(0)));
  new DataView(copy.buffer).setUint16(8, end - 10, true);
  copy.set(bytes.subarray(start), end);
  return copy.buffer;
}

/** Each byte as the character of its code; a `TextDecoder` of that name takes Windows' code page. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function toNumbers(data: ArrayLike<unknown>, path: string, descr: string): NpyData {
  if (Array.isArray(data)) return Uint8Array.from(data, Number);
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return data as NpyData;
  const result = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    result[i] = value;
    if (result[i] !== value) throw dtypeError(path, `${descr} with the value ${data[i]}`);
  }
  return result;
}

function toCOrder(data: NpyData, dims: readonly number[]): NpyData {
  const result = data.slice();
  const index = dims.map(() => 0);
  const strides = dims.map((_, axis) =>
    dims.slice(0, axis).reduce((product, dim) => product * dim, 1),
  );
  for (let k = 0; k < data.length; k++) {
    let at = 0;
    for (let axis = 0; axis < dims.length; axis++)
      at += (index[axis] as number) * (strides[axis] as number);
    result[k] = data[at] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (dims[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return result;
}

function damaged(path: string, found: string, cause?: unknown): AsmaError {
  const message = `Expected an .npy array but '${path}' is damaged (${found}): save it again with numpy.save.`;
  return new AsmaError("ERR_IMAGE_UNREADABLE", message, { cause, details: { path } });
}

function dtypeError(path: string, descr: string): AsmaError {
  const message =
    `Expected little-endian numbers of up to 32 bits or float64 but '${path}' holds ${descr}: ` +
    "convert the array first, for instance with array.astype('<f4').";
  return new AsmaError("ERR_ARRAY_DTYPE", message, { details: { path, dtype: descr } });
}
