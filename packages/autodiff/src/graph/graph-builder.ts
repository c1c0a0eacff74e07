import { clone, create } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
} from "onnx-buf";
import { AutodiffError } from "../errors.ts";
import {
  dataTypeToProto,
  elementCount,
  type DataType,
  type TensorType,
} from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { makeTensor } from "../model/tensor.ts";
import { makeAttributes, type Attributes } from "./attribute.ts";
import { isBlocked, padWithZeros } from "./blocked-layout.ts";
import { copyNodes } from "./copy-nodes.ts";
import { inferType } from "./infer-type.ts";
import { NameAuthority } from "./name-authority.ts";
import { namesOf } from "./names-of.ts";
import { sortTopologically } from "../passes/sort-topologically.ts";
import { ResolvedModel } from "./resolved-model.ts";
import { valueInfo } from "./value-info.ts";
import { sameDims, type Value } from "./value.ts";

/**
 * Where a graph will run. `any` uses what every execution provider has; `cpu` prefers forms that ONNX
 * Runtime's CPU provider runs fast.
 */
export type Target = "any" | "cpu";

/**
 * Appends nodes to a copy of a resolved model. Every value it returns has a known dtype and dims.
 *
 * Operators whose signature changed between opsets (axes as attribute or input, …) have a method of
 * their own here, so that nothing else needs to know the opset.
 */
export class GraphBuilder {
  readonly opset: number;
  readonly target: Target;
  readonly graph: GraphProto;
  readonly #base: ResolvedModel;
  readonly #names: NameAuthority;
  readonly #types: Map<string, TensorType>;
  readonly #constants = new Map<string, readonly number[]>();
  readonly #sharedConstants = new Map<string, Value>();
  #scope = "";

  readonly #producers = new Map<string, NodeProto>();
  /** New names of values that became outputs. */
  readonly #renamed = new Map<string, string>();

  /** @param target where the finished graph will run; every target gives the same numbers */
  constructor(resolved: ResolvedModel, target: Target = "any") {
    this.#base = resolved;
    this.target = target;
    this.opset = resolved.model.opset;
    this.graph = clone(GraphProtoSchema, resolved.model.graph);
    for (const node of this.graph.node) {
      this.#remember(node);
    }
    this.#types = new Map(resolved.types);
    this.#names = new NameAuthority(namesOf(this.graph));
  }

  /** A builder that starts from nothing. */
  static empty(opset = 17): GraphBuilder {
    const proto = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })],
      graph: create(GraphProtoSchema, { name: "graph" }),
    });
    return new GraphBuilder(new ResolvedModel(new Model(proto, []), new Map()));
  }

  /** The value of that name. */
  value(name: string): Value {
    const type = this.#types.get(name);
    if (type === undefined) {
      throw new AutodiffError(
        "ERR_UNKNOWN_TYPE",
        `The dims of '${name}' are not known. Fix every input dim, and check the model with \`onnx.checker\`.`,
      );
    }
    return { name, ...type };
  }

  /** The node that computes a value, `undefined` for inputs and initializers. */
  producer(value: Value): NodeProto | undefined {
    return this.#producers.get(value.name);
  }

  #remember(node: NodeProto): void {
    for (const name of node.output) {
      this.#producers.set(name, node);
    }
  }

  /** Version of an operator set that the model imports; 1 if it does not say. */
  opsetOf(domain: string): number {
    if (domain === "" || domain === "ai.onnx") {
      return this.opset;
    }
    const entry = this.#base.model.proto.opsetImport.find((o) => o.domain === domain);
    return Number(entry?.version ?? 1);
  }

  /** Whether the value's dtype and dims are known. */
  has(name: string): boolean {
    return this.#types.has(name);
  }

  /** The numbers of a constant, `undefined` for values that depend on an input. */
  constantOf(value: Value): readonly number[] | undefined {
    return this.#constants.get(value.name) ?? this.#base.constant(value.name);
  }

  /** Runs `build` with node names starting with `scope/`. */
  within<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = scope;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** Appends a node with one output; its dtype and dims follow from the operator. */
  op(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    hint?: string,
  ): Value {
    // Only integer arguments (dims, axes, pads) bear on the type; weights are never read here.
    const constants = inputs.map((input) =>
      input?.dtype === "int64" ? this.constantOf(input) : undefined,
    );
    return this.#append(
      opType,
      inputs,
      makeAttributes(attributes),
      [inferType(opType, inputs, attributes, constants)],
      hint,
    )[0] as Value;
  }

  /** Appends a node with the operator and attributes of another one. */
  opLike(node: NodeProto, inputs: readonly Value[], dims: readonly number[]): Value {
    const type = { dtype: (inputs[0] as Value).dtype, dims };
    return this.#append(node.opType, inputs, node.attribute, [type])[0] as Value;
  }

  #append(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: readonly AttributeProto[],
    types: readonly TensorType[],
    hint?: string,
  ): Value[] {
    const name = this.#names.unique(this.#scope ? `${this.#scope}/${opType}` : opType);
    const outputs = types.map((type, i) => {
      const wanted = hint ?? (i === 0 ? `${name}_output` : `${name}_output_${i}`);
      return { ...type, name: this.#names.unique(wanted) };
    });
    let last = inputs.length;
    while (last > 0 && inputs[last - 1] === null) {
      last -= 1;
    }
    const node = create(NodeProtoSchema, {
      name,
      opType,
      input: inputs.slice(0, last).map((input) => input?.name ?? ""),
      output: outputs.map((output) => output.name),
      attribute: [...attributes],
    });
    this.graph.node.push(node);
    this.#remember(node);
    for (const { name: output, dtype, dims } of outputs) {
      this.#types.set(output, { dtype, dims });
    }
    return outputs;
  }

  /** An initializer. Equal constants are shared. */
  constant(
    dtype: DataType,
    dims: readonly number[],
    data: readonly number[],
    hint = "constant",
  ): Value {
    const key = data.length <= 64 ? `${dtype}:${dims.join(",")}:${data.join(",")}` : undefined;
    const known = key === undefined ? undefined : this.#sharedConstants.get(key);
    if (known !== undefined) {
      return known;
    }
    const name = this.#names.unique(hint);
    this.graph.initializer.push(makeTensor(name, dtype, dims, data));
    const value: Value = { name, dtype, dims: [...dims] };
    this.#types.set(name, { dtype, dims: value.dims });
    this.#constants.set(name, data);
    if (key !== undefined) {
      this.#sharedConstants.set(key, value);
    }
    return value;
  }

  /** A constant of rank 0. */
  scalar(number: number, dtype: DataType = "float32"): Value {
    return this.constant(dtype, [], [number]);
  }

  /** A constant list of int64. */
  ints(numbers: readonly number[]): Value {
    return this.constant("int64", [numbers.length], numbers);
  }

  /** A tensor with the same number everywhere. */
  fill(number: number, { dtype, dims }: TensorType): Value {
    return this.expand(this.scalar(number, dtype), dims);
  }

  /** Adds a graph input. */
  input(name: string, type: TensorType): Value {
    const value: Value = {
      name: this.#names.unique(name),
      dtype: type.dtype,
      dims: [...type.dims],
    };
    this.graph.input.push(valueInfo(value));
    this.#types.set(value.name, { dtype: value.dtype, dims: value.dims });
    return value;
  }

  /** Adds a graph output of exactly this name by renaming or copying the value. */
  output(value: Value, name = value.name): void {
    // A value that is an output already may have been renamed for it.
    const current = { ...value, name: this.#renamed.get(value.name) ?? value.name };
    let result = current;
    if (name !== current.name) {
      const isShared =
        this.#producers.get(current.name) === undefined ||
        this.graph.output.some((output) => output.name === current.name);
      result = isShared
        ? this.op("Reshape", [current, this.ints(current.dims)], {}, name)
        : this.#rename(current, this.#names.unique(name));
    }
    this.graph.output.push(valueInfo(result));
  }

  #rename(value: Value, name: string): Value {
    const producer = this.#producers.get(value.name);
    renameIn(this.graph.node, value.name, name);
    if (producer !== undefined) {
      this.#remember(producer);
    }
    this.#types.set(name, { dtype: value.dtype, dims: value.dims });
    this.#renamed.set(value.name, name);
    return { ...value, name };
  }

  /** Runs `build` and moves the nodes it appends before all others. */
  prepend(build: () => void): void {
    const { length } = this.graph.node;
    build();
    const added = this.graph.node.splice(length);
    this.graph.node.unshift(...added);
  }

  /**
   * Appends copies of nodes of the graph, which read and make values as `copyNodes` says; they have
   * the types of the originals.
   */
  copy(nodes: readonly NodeProto[], scope: Map<string, string>, prefix: string): void {
    const copies = copyNodes(nodes, scope, { names: this.#names, prefix });
    for (const [i, node] of copies.entries()) {
      this.graph.node.push(node);
      this.#remember(node);
      node.output.forEach((name, k) => {
        const type = this.#types.get(nodes[i]?.output[k] ?? "");
        if (name !== "" && type !== undefined) {
          this.#types.set(name, type);
        }
      });
    }
  }

  /**
   * Replaces a node by what `build` appends. The values it returns take the names of the node's
   * outputs.
   *
   * @returns the nodes appended
   * @throws AutodiffError `ERR_EMITTED_GRAPH` when a value is missing, or has not the type of the
   *   output it stands for
   */
  replace(node: NodeProto, build: () => readonly (Value | undefined)[]): readonly NodeProto[] {
    const { length } = this.graph.node;
    const results = this.within(node.name, build);
    const made = new Set(this.graph.node.slice(length).flatMap(({ output }) => output));
    const names = new Map<string, string>();
    node.output.forEach((name, i) => {
      if (name === "") {
        return;
      }
      const result = results[i];
      const wanted = this.#types.get(name);
      if (
        result === undefined ||
        // Runtimes give a value of unknown rank as a scalar.
        (wanted !== undefined &&
          wanted.dims.length > 0 &&
          (wanted.dtype !== result.dtype || !sameDims(wanted.dims, result.dims)))
      ) {
        const of = (type?: TensorType) => type && `${type.dtype}[${type.dims.join(", ")}]`;
        throw new AutodiffError(
          "ERR_EMITTED_GRAPH",
          `The expansion of ${node.opType} gave ${of(result)} for '${name}' of ${of(wanted)} at node '${node.name}'. This is a fault of the expansion.`,
        );
      }
      // A value can take one name only, and one from outside keeps its own.
      const own =
        made.has(result.name) && !names.has(result.name)
          ? result
          : this.within(node.name, () => this.op("Reshape", [result, this.ints(result.dims)]));
      names.set(own.name, name);
      this.#types.set(name, { dtype: result.dtype, dims: result.dims });
    });
    const added = this.graph.node.splice(length);
    for (const inner of added) {
      inner.input = inner.input.map((name) => names.get(name) ?? name);
      inner.output = inner.output.map((name) => names.get(name) ?? name);
      this.#remember(inner);
    }
    this.graph.node.splice(this.graph.node.indexOf(node), 1, ...added);
    return added;
  }

  /** Removes a graph input; everything that read it reads `replacement` from now on. */
  replaceInput(input: Value, replacement: Value): void {
    this.graph.input = this.graph.input.filter(({ name }) => name !== input.name);
    for (const node of this.graph.node) {
      node.input = node.input.map((name) => (name === input.name ? replacement.name : name));
    }
  }

  // Operators that changed between opsets, or whose integer arguments are inputs.

  reshape(x: Value, dims: readonly number[]): Value {
    return sameDims(x.dims, dims) ? x : this.op("Reshape", [x, this.ints(dims)]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((axis, i) => axis === i) ? x : this.op("Transpose", [x], { perm });
  }

  expand(x: Value, dims: readonly number[]): Value {
    return sameDims(x.dims, dims) ? x : this.op("Expand", [x, this.ints(dims)]);
  }

  cast(x: Value, dtype: DataType): Value {
    return x.dtype === dtype ? x : this.op("Cast", [x], { to: dataTypeToProto(dtype) });
  }

  /** ReduceSum, ReduceMean, ReduceMax, … (axes are an input from opset 13 or 18 on). */
  reduce(
    opType: "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd",
    x: Value,
    axes: readonly number[],
    keepdims = true,
  ): Value {
    const asInput = this.opset >= (opType === "ReduceSum" ? 13 : 18);
    if (axes.length === 0) {
      return x;
    }
    const type: TensorType = {
      dtype: x.dtype,
      dims: keepdims
        ? x.dims.map((d, i) => (axes.includes(i) ? 1 : d))
        : x.dims.filter((_, i) => !axes.includes(i)),
    };
    return this.#append(
      opType,
      asInput ? [x, this.ints(axes)] : [x],
      makeAttributes({ axes: asInput ? undefined : axes, keepdims: keepdims ? 1 : 0 }),
      [type],
    )[0] as Value;
  }

  /** Slice with one entry per axis named; negative steps as in ONNX Slice. */
  slice(
    x: Value,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): Value {
    return this.op("Slice", [x, ...[starts, ends, axes, steps].map((list) => this.ints(list))]);
  }

  /** The elements in reverse order along the axes. */
  reverse(x: Value, axes: readonly number[]): Value {
    const all = (number: number) => axes.map(() => number);
    return axes.length === 0
      ? x
      : this.slice(x, axes, all(-1), all(Number.MIN_SAFE_INTEGER), all(-1));
  }

  /** Constant padding; negative amounts crop. `pads` in ONNX order: all begins, then all ends. */
  pad(x: Value, pads: readonly number[], value = 0): Value {
    if (pads.every((p) => p === 0)) {
      return x;
    }
    const rank = x.dims.length;
    const isSpatial = rank === 4 && [0, 1, 4, 5].every((i) => pads[i] === 0);
    if (isSpatial && value === 0 && pads.every((p) => p >= 0) && isBlocked(this, x)) {
      return padWithZeros(
        this,
        x,
        [2, 3, 6, 7].map((i) => pads[i] as number),
      );
    }
    const dims = x.dims.map((d, i) => d + (pads[i] as number) + (pads[i + rank] as number));
    const asInput = this.opset >= 11;
    return this.#append(
      "Pad",
      asInput ? [x, this.ints(pads), this.scalar(value, x.dtype)] : [x],
      makeAttributes({
        mode: "constant",
        ...(asInput ? {} : { pads, value: { float: value } }),
      }),
      [{ dtype: x.dtype, dims }],
    )[0] as Value;
  }

  /** Splits into parts of the given sizes. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    const asInput = this.opset >= 13;
    const types = sizes.map((size) => ({
      dtype: x.dtype,
      dims: x.dims.map((d, i) => (i === axis ? size : d)),
    }));
    return this.#append(
      "Split",
      asInput ? [x, this.ints(sizes)] : [x],
      makeAttributes({ axis, split: asInput ? undefined : sizes }),
      types,
    );
  }

  /** Nearest-neighbour upsampling of height and width by whole factors. */
  upsample(x: Value, factors: readonly number[]): Value {
    const scales = this.constant("float32", [4], [1, 1, ...factors]);
    // The second input, roi, is optional from opset 13 on.
    const roi = this.opset < 13 ? this.constant("float32", [0], []) : null;
    const dims = x.dims.map((d, i) => (i < 2 ? d : d * (factors[i - 2] as number)));
    return this.#append(
      "Resize",
      [x, roi, scales],
      makeAttributes({
        mode: "nearest",
        nearest_mode: "floor",
        coordinate_transformation_mode: "asymmetric",
      }),
      [{ dtype: x.dtype, dims }],
    )[0] as Value;
  }

  /**
   * The same numbers, but depending on the graph's first float32 input as far as the runtime can see, so
   * that nothing computed from them is folded into a constant. `undefined` without such an input.
   */
  atEveryRun(constant: Value): Value | undefined {
    const input = this.graph.input.find(
      ({ name }) => this.has(name) && this.value(name).dtype === "float32",
    );
    if (input === undefined) {
      return undefined;
    }
    const x = this.value(input.name);
    const axes = x.dims.map((_, i) => i);
    const [starts, ends] = [axes.map(() => 0), axes.map(() => 1)];
    const element = axes.length === 0 ? x : this.reshape(this.slice(x, axes, starts, ends), []);
    const zero = this.op("Clip", [element, this.scalar(0), this.scalar(0)]);
    return this.op("Add", [constant, zero]);
  }

  /** The discrete Fourier transform along an axis of [..., 2] complex numbers (opset 17). */
  dft(x: Value, axis: number, isInverse: boolean): Value {
    const inverse = isInverse ? 1 : 0;
    return this.opset < 20
      ? this.op("DFT", [x], { axis, inverse })
      : this.op("DFT", [x, null, this.scalar(axis, "int64")], { inverse });
  }

  /** The k largest or smallest along an axis in order, and their int64 indices (opset 11). */
  topK(
    x: Value,
    k: number,
    attributes: { readonly axis: number; readonly largest: 0 | 1 },
  ): [values: Value, indices: Value] {
    const dims = x.dims.map((d, i) => (i === attributes.axis ? k : d));
    const types: TensorType[] = [
      { dtype: x.dtype, dims },
      { dtype: "int64", dims },
    ];
    const inputs = [x, this.ints([k])];
    return this.#append("TopK", inputs, makeAttributes(attributes), types) as [Value, Value];
  }

  /** The second output of a MaxPool whose first has the type of `y`. */
  maxPoolIndices(x: Value, y: Value, attributes: Attributes): Value {
    const types: TensorType[] = [y, { dtype: "int64", dims: y.dims }];
    return this.#append("MaxPool", [x], makeAttributes(attributes), types)[1] as Value;
  }

  /** The matrix product, batched as in ONNX MatMul. */
  matmul(a: Value, b: Value): Value {
    return this.op("MatMul", [a, b]);
  }

  /** alpha·a·b of two matrices, either transposed. */
  gemm(
    a: Value,
    b: Value,
    attributes: {
      readonly alpha?: { readonly float: number };
      readonly transA?: number;
      readonly transB?: number;
    },
  ): Value {
    // The third input is optional from opset 11 on.
    return this.op("Gemm", [a, b, this.opset < 11 ? this.scalar(0, a.dtype) : null], attributes);
  }

  /** The finished model: nodes in topological order, nothing that no output needs. */
  build(): ResolvedModel {
    sortTopologically(this.graph);
    // Not every runtime infers all dims itself, and what it does not know it does not optimise.
    this.graph.output = this.graph.output.map((output) =>
      this.#types.has(output.name) ? valueInfo(this.value(output.name)) : output,
    );
    const outputs = new Set(this.graph.output.map(({ name }) => name));
    this.graph.valueInfo = this.graph.node
      .flatMap((node) => node.output)
      .filter((name) => this.#types.has(name) && !outputs.has(name))
      .map((name) => valueInfo(this.value(name)));
    const proto = create(ModelProtoSchema, { ...this.#base.model.proto, graph: this.graph });
    const { model, adaptations } = this.#base;
    return new ResolvedModel(new Model(proto, model.files), this.#types, adaptations);
  }

  /** Number of elements of a value. */
  static count(value: TensorType): number {
    return elementCount(value.dims);
  }
}

/** Renames a value wherever nodes make or read it, subgraphs included. */
function renameIn(nodes: readonly NodeProto[], from: string, to: string): void {
  for (const node of nodes) {
    if (node.input.includes(from)) {
      node.input = node.input.map((name) => (name === from ? to : name));
    }
    if (node.output.includes(from)) {
      node.output = node.output.map((name) => (name === from ? to : name));
    }
    for (const attribute of node.attribute) {
      for (const subgraph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
        renameIn(subgraph.node, from, to);
      }
    }
  }
}
