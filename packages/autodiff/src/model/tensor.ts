import { create } from "@bufbuild/protobuf";
import type { TensorProto } from "./onnx-messages.ts";
import { TensorProtoSchema } from "./onnx-schema.ts";
import { AutodiffError } from "../errors.ts";
import {
  bytesPerElement,
  dataTypeFromProto,
  dataTypeToProto,
  elementCount,
  type DataType,
} from "./data-type.ts";

/** Makes a TensorProto with little-endian `raw_data` from numbers in row-major order. */
export function makeTensor(
  name: string,
  dtype: DataType,
  dims: readonly number[],
  data: ArrayLike<number>,
): TensorProto {
  const bytes = new Uint8Array(data.length * bytesPerElement(dtype));
  const view = new DataView(bytes.buffer);
  const write = writers[dtype];
  if (write === undefined || elementCount(dims) !== data.length) {
    throw new AutodiffError(
      "ERR_TENSOR",
      `Expected ${elementCount(dims)} numbers for a ${dtype} tensor '${name}' of dims [${dims.join(", ")}] but found ${data.length}.`,
    );
  }
  for (let i = 0; i < data.length; i++) {
    write(view, i, data[i] as number);
  }
  return create(TensorProtoSchema, {
    name,
    dataType: dataTypeToProto(dtype),
    dims: dims.map(BigInt),
    rawData: bytes,
  });
}

/**
 * The elements of a tensor as numbers in row-major order. int64 values beyond ±2^53 lose their last
 * bits, which is harmless for the "to the end" markers they are used as.
 *
 * @param raw the little-endian bytes when the tensor keeps them elsewhere (external data)
 * @returns `undefined` for element types that are not numbers (strings, float8, …)
 */
export function readTensor(
  tensor: TensorProto,
  raw: Uint8Array = tensor.rawData,
): number[] | undefined {
  const dtype = dataTypeFromProto(tensor.dataType);
  const read = dtype && readers[dtype];
  if (read === undefined || dtype === undefined) {
    return undefined;
  }
  const count = elementCount(tensor.dims.map(Number));
  if (raw.length > 0 || count === 0) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    return Array.from({ length: count }, (_, i) => read(view, i));
  }
  switch (dtype) {
    case "float32":
      return [...tensor.floatData];
    case "float64":
      return [...tensor.doubleData];
    case "int64":
      return tensor.int64Data.map(Number);
    case "uint64":
    case "uint32":
      return tensor.uint64Data.map(Number);
    case "float16":
      return tensor.int32Data.map(halfToNumber);
    case "bfloat16":
      return tensor.int32Data.map(bfloatToNumber);
    default:
      return [...tensor.int32Data];
  }
}

type Reader = (view: DataView, index: number) => number;
type Writer = (view: DataView, index: number, value: number) => void;

const readers: Partial<Record<DataType, Reader>> = {
  float32: (v, i) => v.getFloat32(i * 4, true),
  float64: (v, i) => v.getFloat64(i * 8, true),
  float16: (v, i) => halfToNumber(v.getUint16(i * 2, true)),
  bfloat16: (v, i) => bfloatToNumber(v.getUint16(i * 2, true)),
  int64: (v, i) => Number(v.getBigInt64(i * 8, true)),
  int32: (v, i) => v.getInt32(i * 4, true),
  int16: (v, i) => v.getInt16(i * 2, true),
  int8: (v, i) => v.getInt8(i),
  uint64: (v, i) => Number(v.getBigUint64(i * 8, true)),
  uint32: (v, i) => v.getUint32(i * 4, true),
  uint16: (v, i) => v.getUint16(i * 2, true),
  uint8: (v, i) => v.getUint8(i),
  bool: (v, i) => v.getUint8(i),
};

const writers: Partial<Record<DataType, Writer>> = {
  float32: (v, i, x) => v.setFloat32(i * 4, x, true),
  float64: (v, i, x) => v.setFloat64(i * 8, x, true),
  float16: (v, i, x) => v.setUint16(i * 2, numberToHalf(x), true),
  bfloat16: (v, i, x) => v.setUint16(i * 2, numberToBfloat(x), true),
  int64: (v, i, x) => v.setBigInt64(i * 8, toBigInt(x, -(2n ** 63n), 2n ** 63n - 1n), true),
  int32: (v, i, x) => v.setInt32(i * 4, x, true),
  int16: (v, i, x) => v.setInt16(i * 2, x, true),
  int8: (v, i, x) => v.setInt8(i, x),
  uint64: (v, i, x) => v.setBigUint64(i * 8, toBigInt(x, 0n, 2n ** 64n - 1n), true),
  uint32: (v, i, x) => v.setUint32(i * 4, x, true),
  uint16: (v, i, x) => v.setUint16(i * 2, x, true),
  uint8: (v, i, x) => v.setUint8(i, x),
  bool: (v, i, x) => v.setUint8(i, x ? 1 : 0),
};

/** An integer within bounds: 2⁶³, which is what INT64_MAX becomes as a number, stays INT64_MAX. */
function toBigInt(x: number, lowest: bigint, highest: bigint): bigint {
  if (!Number.isFinite(x)) {
    return x > 0 ? highest : x < 0 ? lowest : 0n;
  }
  const integer = BigInt(Math.trunc(x));
  return integer < lowest ? lowest : integer > highest ? highest : integer;
}

/** The number that 16 bits are as an IEEE 754 half. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(magnitude)) {
    return 0x7e00;
  }
  if (magnitude >= 65520) {
    return sign | 0x7c00;
  }
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -24)));
  const fraction = roundHalfEven(magnitude / 2 ** (exponent - 10));
  return sign | (fraction < 1024 ? fraction : ((exponent + 15) << 10) + (fraction - 1024));
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

const scratch = new DataView(new ArrayBuffer(4));

function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

function numberToBfloat(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return Number.isNaN(value) ? 0x7fc0 : ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Whether a tensor is there and is one number, of whatever rank. */
export function hasOneElement(tensor: TensorProto | undefined): boolean {
  return tensor !== undefined && elementCount(tensor.dims.map(Number)) === 1;
}
