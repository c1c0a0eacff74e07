import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { elementCount } from "../../packages/autodiff/src/model/data-type.ts";
import { makeAttributes, type Attributes } from "../../packages/autodiff/src/graph/attribute.ts";
import { valueInfo } from "../../packages/autodiff/src/graph/value-info.ts";
import { makeTensor } from "../../packages/autodiff/src/model/tensor.ts";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";

/** A float value of a random graph: |x| ≤ bound wherever the inputs stay within [−1.1, 1.1]. */
export interface BoundedValue {
  readonly name: string;
  readonly dims: readonly number[];
  readonly bound: number;
}

/** Builds a graph node by node, and makes its random choices from a seed. */
export class RandomGraph {
  readonly opset: number;
  readonly values: BoundedValue[] = [];
  random: () => number = mulberry32(1);
  readonly #graph = create(GraphProtoSchema, { name: "random" });
  readonly #constants: string[] = [];

  constructor(opset: number) {
    this.opset = opset;
  }

  int(below: number): number {
    return Math.floor(this.random() * below);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T;
  }

  input(dims: readonly number[]): void {
    const name = `x${this.#graph.input.length}`;
    this.#graph.input.push(valueInfo({ name, dtype: "float32", dims }));
    this.values.push({ name, dims, bound: 1.1 });
  }

  #constant(dtype: "float32" | "int64" | "bool", dims: readonly number[], data: readonly number[]) {
    const name = `c${this.#constants.length}`;
    this.#constants.push(name);
    this.#graph.initializer.push(makeTensor(name, dtype, dims, data));
    return name;
  }

  /** Uniform between the bounds. */
  floats(dims: readonly number[], low: number, high: number): string {
    const data = Array.from(
      { length: elementCount(dims) },
      () => low + (high - low) * this.random(),
    );
    return this.#constant("float32", dims, data);
  }

  given(dims: readonly number[], data: readonly number[]): string {
    return this.#constant("float32", dims, data);
  }

  ints(...data: readonly number[]): string {
    return this.#constant("int64", [data.length], data);
  }

  bools(dims: readonly number[]): string {
    const data = Array.from({ length: elementCount(dims) }, () => this.int(2));
    return this.#constant("bool", dims, data);
  }

  /** Appends a node and returns the names of its outputs. */
  node(opType: string, input: readonly string[], attributes: Attributes = {}, outputs = 1) {
    const index = this.#graph.node.length;
    const output = Array.from({ length: outputs }, (_, i) => `v${index}_${i}`);
    this.#graph.node.push(
      create(NodeProtoSchema, {
        opType,
        input: [...input],
        output,
        attribute: makeAttributes(attributes),
      }),
    );
    return output as [string, ...string[]];
  }

  /** A node with one float output. */
  op(
    opType: string,
    input: readonly (BoundedValue | string)[],
    dims: readonly number[],
    bound: number,
    attributes: Attributes = {},
  ): BoundedValue {
    const names = input.map((value) => (typeof value === "string" ? value : value.name));
    return { name: this.node(opType, names, attributes)[0], dims, bound };
  }

  /** x + c, where every element keeps its distance of `offsets` (by element) from all kinks. */
  shifted(x: BoundedValue, offset: (index: number) => number): BoundedValue {
    const data = Array.from({ length: elementCount(x.dims) }, (_, i) => offset(i));
    const bound = x.bound + Math.max(...data.map(Math.abs));
    return this.op("Add", [x, this.given(x.dims, data)], x.dims, bound);
  }

  /** x + c with every element beyond ±0.4, on a random side. */
  awayFromZero(x: BoundedValue): BoundedValue {
    return this.shifted(x, () => (this.int(2) === 0 ? -1 : 1) * (x.bound + 0.4));
  }

  /** Axes as an attribute before `since`, as an input from then on. */
  overAxes(
    opType: string,
    since: number,
    x: BoundedValue,
    axes: readonly number[],
    dims: readonly number[],
    bound: number,
    attributes: Attributes = {},
  ): BoundedValue {
    return this.opset < since
      ? this.op(opType, [x], dims, bound, { ...attributes, axes })
      : this.op(opType, [x, this.ints(...axes)], dims, bound, attributes);
  }

  /**
   * The serialized model.
   *
   * @param initializersAreInputs as below IR version 4
   */
  finish(outputs: readonly string[], initializersAreInputs: boolean): Uint8Array {
    const graph = this.#graph;
    graph.output = outputs.map((name) => create(ValueInfoProtoSchema, { name }));
    if (initializersAreInputs) {
      const types = { 1: "float32", 7: "int64", 9: "bool" } as const;
      graph.input.push(
        ...graph.initializer.map((tensor) =>
          valueInfo({
            name: tensor.name,
            dtype: types[tensor.dataType as keyof typeof types],
            dims: tensor.dims.map(Number),
          }),
        ),
      );
    }
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: initializersAreInputs ? 3n : 8n,
        opsetImport: [create(OperatorSetIdProtoSchema, { version: BigInt(this.opset) })],
        graph,
      }),
    );
  }
}
