import { create } from "@bufbuild/protobuf";
import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { intAttribute, makeAttributes, type Attributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";

/**
 * Replaces what has a standard form whatever the types are, as of opset 13:
 *
 * - SplitTraining, ReduceSumTraining (sizes and axes as inputs) are Split and ReduceSum;
 * - ConcatTraining, which also gives the sizes it joined, is Concat and the sizes from Shape;
 * - BroadcastGradientArgs, the axes that broadcasting stretched in each of two shapes, becomes
 *   arithmetic of integers, which is folded when the dims are known.
 */
export function rewriteTrainingNodes(graph: GraphProto, opset: number): void {
  if (opset < 13) {
    return;
  }
  const names = new NameAuthority(namesOf(graph));
  graph.node = graph.node.flatMap((node) => {
    if (node.domain !== "com.microsoft") {
      return [node];
    }
    switch (node.opType) {
      case "SplitTraining":
        return [Object.assign(node, { opType: "Split", domain: "" })];
      case "ReduceSumTraining":
        return [Object.assign(node, { opType: "ReduceSum", domain: "" })];
      case "ConcatTraining":
        return concat(node, new Nodes(node.name, names));
      case "BroadcastGradientArgs":
        return broadcastAxes(node, new Nodes(node.name, names));
      default:
        return [node];
    }
  });
}

/** Nodes under construction. */
class Nodes {
  readonly list: NodeProto[] = [];
  readonly #scope: string;
  readonly #names: NameAuthority;

  constructor(scope: string, names: NameAuthority) {
    this.#scope = scope;
    this.#names = names;
  }

  op(opType: string, input: readonly string[], attributes: Attributes = {}, output?: string) {
    const name = this.#names.unique(`${this.#scope}/${opType}`);
    const result = output ?? this.#names.unique(`${name}_output`);
    this.list.push(
      create(NodeProtoSchema, {
        name,
        opType,
        input: [...input],
        output: [result],
        attribute: makeAttributes(attributes),
      }),
    );
    return result;
  }

  ints(...numbers: number[]): string {
    return this.op("Constant", [], { value_ints: numbers });
  }
}

function concat(node: NodeProto, nodes: Nodes): NodeProto[] {
  const [joined = "", lengths = ""] = node.output;
  const axis = intAttribute(node, "axis", 0);
  nodes.op("Concat", node.input, { axis }, joined);
  if (lengths !== "") {
    const at = nodes.ints(axis);
    const sizes = node.input.map((x) => nodes.op("Gather", [nodes.op("Shape", [x]), at]));
    nodes.op("Concat", sizes, { axis: 0 }, lengths);
  }
  return nodes.list;
}

function broadcastAxes(node: NodeProto, nodes: Nodes): NodeProto[] {
  const one = nodes.ints(1);
  const [a = "", b = ""] = node.input;
  const length = (shape: string) => nodes.op("Shape", [shape]);
  const rank = nodes.op("Max", [length(a), length(b)]);
  const [fullA, fullB] = [a, b].map((shape) => {
    const missing = nodes.op("Sub", [rank, length(shape)]);
    return nodes.op("Concat", [nodes.op("Expand", [one, missing]), shape], { axis: 0 });
  }) as [string, string];
  const isOne = (shape: string) => nodes.op("Equal", [shape, one]);
  const stretched = (shape: string, other: string, output: string | undefined) => {
    if (output !== undefined && output !== "") {
      const isStretched = nodes.op("And", [isOne(shape), nodes.op("Not", [isOne(other)])]);
      nodes.op("Reshape", [nodes.op("NonZero", [isStretched]), nodes.ints(-1)], {}, output);
    }
  };
  stretched(fullA, fullB, node.output[0]);
  stretched(fullB, fullA, node.output[1]);
  return nodes.list;
}
