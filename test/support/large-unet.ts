import { closeSync, openSync, writeSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from "onnx-buf";
import { makeAttributes, type Attributes } from "../../packages/autodiff/src/graph/attribute.ts";
import { valueInfo } from "../../packages/autodiff/src/graph/value-info.ts";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";

/** A file of weights, written one tensor at a time. */
export interface WeightWriter {
  readonly location: string;
  /** Appends and returns the offset. */
  append(bytes: Uint8Array): number;
}

/**
 * A U-Net of random weights: 3×32×32 in, 2×32×32 out, four levels, about 7,580·channels² weights
 * (a table of random numbers over and over).
 *
 * @param options.writer where its weights go; without, they are inside the model
 */
export function largeUnet(
  channels: number,
  {
    writer,
    activation = "Relu",
  }: { readonly writer?: WeightWriter; readonly activation?: string } = {},
): Uint8Array {
  const graph = create(GraphProtoSchema, { name: "unet" });
  const random = mulberry32(3);
  const table = Float32Array.from({ length: 65_521 }, () => 2 * random() - 1);
  const weight = (dims: readonly number[], fanIn: number): string => {
    const name = `w${graph.initializer.length}`;
    const count = dims.reduce((n, d) => n * d, 1);
    const scale = Math.sqrt(6 / fanIn);
    const scaled = table.map((v) => v * scale);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i += scaled.length) {
      values.set(scaled.subarray(0, count - i), i);
    }
    const bytes = new Uint8Array(values.buffer);
    const tensor = create(TensorProtoSchema, { name, dataType: 1, dims: dims.map(BigInt) });
    if (writer === undefined) {
      tensor.rawData = bytes;
    } else {
      const entries = {
        location: writer.location,
        offset: writer.append(bytes),
        length: bytes.length,
      };
      tensor.dataLocation = 1;
      tensor.externalData = Object.entries(entries).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value: String(value) }),
      );
    }
    graph.initializer.push(tensor);
    return name;
  };
  const op = (opType: string, input: string[], attributes: Attributes = {}): string => {
    const output = `v${graph.node.length}`;
    graph.node.push(
      create(NodeProtoSchema, {
        opType,
        input,
        output: [output],
        attribute: makeAttributes(attributes),
      }),
    );
    return output;
  };
  const conv = (x: string, from: number, to: number): string =>
    op(activation, [op("Conv", [x, weight([to, from, 3, 3], from * 9)], { pads: [1, 1, 1, 1] })]);
  const double = (x: string, from: number, to: number) => conv(conv(x, from, to), to, to);
  const skips: string[] = [];
  let x = "image";
  let width = 3;
  for (const factor of [1, 2, 4, 8]) {
    x = double(x, width, channels * factor);
    width = channels * factor;
    skips.push(x);
    x = op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  x = double(x, width, channels * 16);
  for (const factor of [8, 4, 2, 1]) {
    const to = channels * factor;
    x = op("ConvTranspose", [x, weight([2 * to, to, 2, 2], 2 * to)], { strides: [2, 2] });
    x = double(op("Concat", [skips.pop() as string, x], { axis: 1 }), 2 * to, to);
  }
  const logits = op("Conv", [x, weight([2, channels, 1, 1], channels)]);
  graph.input = [valueInfo({ name: "image", dtype: "float32", dims: [1, 3, 32, 32] })];
  graph.output = [valueInfo({ name: logits, dtype: "float32", dims: [1, 2, 32, 32] })];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [create(OperatorSetIdProtoSchema, { version: 17n })],
      graph,
    }),
  );
}

/** Opens a file of weights beside a model; `close` when all are written. */
export function openWeights(path: string, location: string): WeightWriter & { close(): void } {
  const file = openSync(path, "w");
  let offset = 0;
  return {
    location,
    append(bytes) {
      for (let written = 0; written < bytes.length;) {
        written += writeSync(file, bytes, written, bytes.length - written);
      }
      offset += bytes.length;
      return offset - bytes.length;
    },
    close: () => closeSync(file),
  };
}
