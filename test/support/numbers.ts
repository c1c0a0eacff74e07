import { create } from "@bufbuild/protobuf";
import { TensorProtoSchema } from "onnx-buf";
import * as ort from "onnxruntime-node";
import type { DataType } from "@onnx-asma/autodiff";
import { dataTypeToProto } from "../../packages/autodiff/src/model/data-type.ts";
import { makeTensor, readTensor } from "../../packages/autodiff/src/model/tensor.ts";

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** A tensor as numbers in row-major order. */
export interface Numbers {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly numbers: Float64Array;
}

/** A tensor for the runtime from numbers in row-major order. */
export function toRuntime(
  dtype: DataType,
  dims: readonly number[],
  numbers: ArrayLike<number>,
): ort.Tensor {
  if (dtype === "float32") {
    return new ort.Tensor(dtype, Float32Array.from(numbers), dims);
  }
  const List = arrays[dtype as keyof typeof arrays];
  const { buffer } = makeTensor("", dtype, dims, numbers).rawData;
  return new ort.Tensor(dtype as "float32", new List(buffer) as Float32Array, dims);
}

/** The elements of a tensor of the runtime as numbers. */
export function fromRuntime({ type, dims, data }: ort.Tensor): Float64Array {
  if (data instanceof Float32Array) {
    return Float64Array.from(data);
  }
  const { buffer, byteOffset, byteLength } = data as Float64Array<ArrayBuffer>;
  const tensor = create(TensorProtoSchema, {
    dataType: dataTypeToProto(type as DataType),
    dims: dims.map(BigInt),
  });
  return Float64Array.from(
    readTensor(tensor, new Uint8Array(buffer, byteOffset, byteLength)) ?? [],
  );
}
