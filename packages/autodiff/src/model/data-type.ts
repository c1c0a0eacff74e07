import { TensorProto_DataType } from "./onnx-schema.ts";

/** ONNX element types by the names ONNX Runtime uses. */
export type DataType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "int4"
  | "uint4"
  | "bool"
  | "string";

/** 0 bytes: elements have no whole number of them. */
const table: readonly (readonly [DataType, number, bytes: number])[] = [
  ["float32", TensorProto_DataType.FLOAT, 4],
  ["float64", TensorProto_DataType.DOUBLE, 8],
  ["float16", TensorProto_DataType.FLOAT16, 2],
  ["bfloat16", TensorProto_DataType.BFLOAT16, 2],
  ["int64", TensorProto_DataType.INT64, 8],
  ["int32", TensorProto_DataType.INT32, 4],
  ["int16", TensorProto_DataType.INT16, 2],
  ["int8", TensorProto_DataType.INT8, 1],
  ["uint64", TensorProto_DataType.UINT64, 8],
  ["uint32", TensorProto_DataType.UINT32, 4],
  ["uint16", TensorProto_DataType.UINT16, 2],
  ["uint8", TensorProto_DataType.UINT8, 1],
  ["int4", TensorProto_DataType.INT4, 0],
  ["uint4", TensorProto_DataType.UINT4, 0],
  ["bool", TensorProto_DataType.BOOL, 1],
  ["string", TensorProto_DataType.STRING, 0],
];

const byProto = new Map(table.map((row) => [row[1], row]));
const byName = new Map(table.map((row) => [row[0], row]));

/** The name of an ONNX element type, `undefined` for those without one here (float8, …). */
export function dataTypeFromProto(type: number): DataType | undefined {
  return byProto.get(type)?.[0];
}

/** The ONNX element type of a name. */
export function dataTypeToProto(type: DataType): number {
  return (byName.get(type) as (typeof table)[number])[1];
}

/** Bytes of one element; 0 for strings and for two in a byte. */
export function bytesPerElement(type: DataType): number {
  return (byName.get(type) as (typeof table)[number])[2];
}

/** Whether gradients can flow through values of this type. */
export function isFloat(type: DataType): boolean {
  return type === "float32" || type === "float64" || type === "float16" || type === "bfloat16";
}

/** A dtype and concrete dims. */
export interface TensorType {
  readonly dtype: DataType;
  readonly dims: readonly number[];
}

/** Number of elements: the product of the dims, 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}
