import { create } from "@bufbuild/protobuf";
import type { AttributeProto, NodeProto } from "../model/onnx-messages.ts";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
} from "../model/onnx-schema.ts";
import { AutodiffError } from "../errors.ts";
import { makeAttributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import { subgraphsOf } from "../graph/subgraphs.ts";
import type { Model } from "../model/model.ts";
import { opsetChanges, type NodesBefore } from "./opset-changes.ts";

/** The opsets whose operators are known here, and the newest IR version. */
const [first, last, lastIrVersion] = [7, 28, 14];

/** What all rules stand on; a model of a newer opset keeps its own. */
const raisedOpset = 17;

/**
 * Rewrites the nodes of the graph and its subgraphs for opset 17, or the newest that the model or a function
 * of it imports, and relabels the model. Bodies of functions are left as they are: {@link raiseNodes}.
 *
 * @throws AutodiffError `ERR_OPSET` when an opset or the IR version is none of those known here, or a node
 *   cannot be rewritten
 */
export function raiseOpset(model: Model): void {
  const { proto, graph } = model;
  const own = proto.opsetImport.filter(isStandard);
  const entries = [...own, ...proto.functions.flatMap((f) => f.opsetImport.filter(isStandard))];
  const versions = entries.map(({ version }) => Number(version));
  const wrong = versions.find((version) => version < first || version > last);
  if (wrong !== undefined || proto.irVersion > lastIrVersion) {
    throw wrongOpset(
      `of IR version ${lastIrVersion} at most`,
      wrong === undefined ? `IR version ${proto.irVersion}` : `opset ${wrong}`,
    );
  }
  const to = Math.max(raisedOpset, ...versions);
  if (own.length === 0) {
    // Nodes of other domains alone, or of functions.
    proto.opsetImport.push(create(OperatorSetIdProtoSchema, { version: BigInt(to) }));
  }
  const names = new NameAuthority(namesOf(graph));
  graph.node = raiseNodes(model, graph.node, { from: model.opset, to, names });
  for (const entry of own) {
    entry.version = BigInt(to);
  }
  // That of opset 17; below 4 every initializer is an input as well.
  proto.irVersion = proto.irVersion < 8n ? 8n : proto.irVersion;
}

/** From which opset to which nodes are rewritten. */
export interface OpsetStep {
  readonly from: number;
  readonly to: number;
  readonly names: NameAuthority;
}

/** Nodes of one opset as they are written in a newer one. @throws AutodiffError `ERR_OPSET` */
export function raiseNodes(
  model: Model,
  nodes: readonly NodeProto[],
  step: OpsetStep,
): NodeProto[] {
  return step.from === step.to ? [...nodes] : nodes.flatMap((node) => raised(model, node, step));
}

function raised(model: Model, node: NodeProto, step: OpsetStep): readonly NodeProto[] {
  const { from, to } = step;
  for (const graph of subgraphsOf(node)) {
    graph.node = raiseNodes(model, graph.node, step);
  }
  const isLocal = model.proto.functions.some((f) => isStandard(f) && f.name === node.opType);
  if (!isStandard(node) || isLocal) {
    return [node];
  }
  const list: NodeProto[] = [];
  const before = nodesBefore(node.output[0] ?? "", list, step.names);
  for (const [opset, operator, change] of opsetChanges) {
    const { name, opType } = node;
    const reason = from < opset && opset <= to && operator.test(opType) && change(node, before);
    if (typeof reason === "string") {
      throw wrongOpset(
        `one that can be written in opset ${to}`,
        `${opType} '${name}' of opset ${from}: ${reason}, which opset ${opset} has not`,
      );
    }
  }
  return [...list, node];
}

function nodesBefore(prefix: string, list: NodeProto[], names: NameAuthority): NodesBefore {
  const append = (opType: string, input: string[], attribute: AttributeProto[]): string => {
    const name = names.unique(`${prefix}/${opType}`);
    list.push(create(NodeProtoSchema, { name, opType, input, output: [name], attribute }));
    return name;
  };
  return {
    op: (opType, inputs, attributes = {}) =>
      append(opType, [...inputs], makeAttributes(attributes)),
    constant: ({ type, f, floats, i, ints }) => {
      const name = { [Type.FLOAT]: "value_float", [Type.FLOATS]: "value_floats" }[type as 1];
      const value =
        name === undefined
          ? { name: "value_ints", type: Type.INTS, ints: type === Type.INT ? [i] : ints }
          : { name, type, f, floats };
      return append("Constant", [], [create(AttributeProtoSchema, value)]);
    },
  };
}

function wrongOpset(expected: string, found: string): AutodiffError {
  return new AutodiffError(
    "ERR_OPSET",
    `Expected a model of opset ${first} to ${last}, ${expected}, but found ${found}. Export it again, or convert it with \`onnx.version_converter\`.`,
  );
}

function isStandard({ domain }: { readonly domain: string }): boolean {
  return domain === "" || domain === "ai.onnx";
}
