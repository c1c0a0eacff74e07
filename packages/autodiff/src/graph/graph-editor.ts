import { clone, create } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
} from "onnx-buf";
import { AutodiffError } from "../errors.ts";
import type { DataType, TensorType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { makeTensor } from "../model/tensor.ts";
import { makeAttributes, type Attributes } from "./attribute.ts";
import { copyNodes } from "./copy-nodes.ts";
import { inferType } from "./infer-type.ts";
import { NameAuthority } from "./name-authority.ts";
import { namesOf } from "./names-of.ts";
import { renameReads } from "./rename-reads.ts";
import { ResolvedModel } from "./resolved-model.ts";
import { sortTopologically } from "./sort-topologically.ts";
import type { Target } from "./target.ts";
import { valueInfo } from "./value-info.ts";
import { sameDims, type Value } from "./value.ts";

/**
 * A copy of a resolved model under construction: its values and their types, constants and names, and the
 * nodes that are appended, copied, replaced and renamed. Every value it returns has a known dtype and dims.
 */
export class GraphEditor {
  readonly opset: number;
  readonly target: Target;
  readonly graph: GraphProto;
  readonly #base: ResolvedModel;
  /** Knows all names of the graph, those in subgraphs too. */
  readonly names: NameAuthority;
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
    this.names = new NameAuthority(namesOf(this.graph));
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
    return this.append(
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
    return this.append(node.opType, inputs, node.attribute, [type])[0] as Value;
  }

  /** Appends a node whose outputs have the types given. */
  protected append(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: readonly AttributeProto[],
    types: readonly TensorType[],
    hint?: string,
  ): Value[] {
    const name = this.names.unique(this.#scope ? `${this.#scope}/${opType}` : opType);
    const outputs = types.map((type, i) => {
      const wanted = hint ?? (i === 0 ? `${name}_output` : `${name}_output_${i}`);
      return { ...type, name: this.names.unique(wanted) };
    });
    let last = inputs.length;
    while (last > 0 && inputs[last - 1] === null) {
      last -= 1;
    }
    const node = create(NodeProtoSchema, {
      name,
      opType,
      input: inputs.slice(0, last).map((input) => this.#currentName(input)),
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
    const name = this.names.unique(hint);
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

  /**
   * Adds a graph input.
   *
   * @returns the input; its name has a suffix where the one asked for is taken, in subgraphs too
   */
  input(name: string, type: TensorType): Value {
    const value: Value = {
      name: this.names.unique(name),
      dtype: type.dtype,
      dims: [...type.dims],
    };
    this.graph.input.push(valueInfo(value));
    this.#types.set(value.name, { dtype: value.dtype, dims: value.dims });
    return value;
  }

  /**
   * Adds a graph output by renaming or copying the value.
   *
   * @returns the output; its name has a suffix where the one asked for is taken, in subgraphs too
   */
  output(value: Value, name = value.name): Value {
    const current = { ...value, name: this.#currentName(value) };
    let result = current;
    if (name !== current.name) {
      const isShared =
        this.#producers.get(current.name) === undefined ||
        this.graph.output.some((output) => output.name === current.name);
      result = isShared
        ? this.op("Reshape", [current, this.ints(current.dims)], {}, name)
        : this.#rename(current, this.names.unique(name));
    }
    this.graph.output.push(valueInfo(result));
    return result;
  }

  /** A value that became an output may have been renamed for it. */
  #currentName(value: Value | null): string {
    return value === null ? "" : (this.#renamed.get(value.name) ?? value.name);
  }

  #rename(value: Value, name: string): Value {
    const producer = this.#producers.get(value.name) as NodeProto;
    producer.output = producer.output.map((made) => (made === value.name ? name : made));
    this.#remember(producer);
    renameReads(this.graph.node, new Map([[value.name, name]]), this.names);
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
    const copies = copyNodes(nodes, scope, { names: this.names, prefix });
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

  /** Removes a graph input; every node that read it, in subgraphs too, reads `replacement` from now on. */
  replaceInput(input: Value, replacement: Value): void {
    this.graph.input = this.graph.input.filter(({ name }) => name !== input.name);
    renameReads(this.graph.node, new Map([[input.name, replacement.name]]), this.names);
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
}
