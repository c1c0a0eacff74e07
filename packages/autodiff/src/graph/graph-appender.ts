import { create } from "@bufbuild/protobuf";
import type { AttributeProto, GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { copyMessage } from "../model/copy-message.ts";
import { AutodiffError } from "../errors.ts";
import type { DataType, TensorType } from "../model/data-type.ts";
import { makeTensor } from "../model/tensor.ts";
import { makeAttributes, type Attributes } from "./attribute.ts";
import { inferType } from "./infer-type.ts";
import { NameAuthority } from "./name-authority.ts";
import { namesOf } from "./names-of.ts";
import type { ResolvedModel } from "./resolved-model.ts";
import type { Target } from "./target.ts";
import type { Value } from "./value.ts";

/**
 * A copy of a resolved model that grows: its values with their types, constants and names, and the nodes
 * and constants that are appended. Every value it returns has a known dtype and dims.
 */
export class GraphAppender {
  readonly opset: number;
  readonly target: Target;
  readonly graph: GraphProto;
  protected readonly base: ResolvedModel;
  /** Knows all names of the graph, those in subgraphs too. */
  readonly names: NameAuthority;
  protected readonly types: Map<string, TensorType>;
  readonly #constants = new Map<string, readonly number[]>();
  readonly #sharedConstants = new Map<string, Value>();
  #scope = "";

  protected readonly producers = new Map<string, NodeProto>();
  /** New names of values that became outputs. */
  protected readonly renamed = new Map<string, string>();

  /** @param target where the finished graph will run; every target gives the same numbers */
  constructor(resolved: ResolvedModel, target: Target = "any") {
    this.base = resolved;
    this.target = target;
    this.opset = resolved.model.opset;
    this.graph = copyMessage(resolved.model.graph);
    for (const node of this.graph.node) {
      this.remember(node);
    }
    this.types = new Map(resolved.types);
    this.names = new NameAuthority(namesOf(this.graph));
  }

  /** The value of that name. */
  value(name: string): Value {
    const type = this.types.get(name);
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
    return this.producers.get(value.name);
  }

  protected remember(node: NodeProto): void {
    for (const name of node.output) {
      this.producers.set(name, node);
    }
  }

  /** Version of an operator set that the model imports; 1 if it does not say. */
  opsetOf(domain: string): number {
    if (domain === "" || domain === "ai.onnx") {
      return this.opset;
    }
    const entry = this.base.model.proto.opsetImport.find((o) => o.domain === domain);
    return Number(entry?.version ?? 1);
  }

  /** Whether the value's dtype and dims are known. */
  has(name: string): boolean {
    return this.types.has(name);
  }

  /** The numbers of a constant, `undefined` for values that depend on an input. */
  constantOf(value: Value): readonly number[] | undefined {
    return this.#constants.get(value.name) ?? this.base.constant(value.name);
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
      input: inputs.slice(0, last).map((input) => this.currentName(input)),
      output: outputs.map((output) => output.name),
      attribute: [...attributes],
    });
    this.graph.node.push(node);
    this.remember(node);
    for (const { name: output, dtype, dims } of outputs) {
      this.types.set(output, { dtype, dims });
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
    this.types.set(name, { dtype, dims: value.dims });
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

  /** A value that became an output may have been renamed for it. */
  protected currentName(value: Value | null): string {
    return value === null ? "" : (this.renamed.get(value.name) ?? value.name);
  }
}
