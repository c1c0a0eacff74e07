import { clone, create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  NodeProtoSchema,
  type NodeProto,
} from "onnx-buf";
import { AutodiffError } from "../errors.ts";
import { makeAttributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import { subgraphsOf } from "../graph/subgraphs.ts";
import { dataTypeFromProto, isFloat } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";
import { tensorOfConstant } from "./constants-to-initializers.ts";
import { opsetChanges, type NodesBefore } from "./opset-changes.ts";

/** The opsets whose operators are known here, and the newest IR version. */
const [first, last, lastIrVersion] = [7, 26, 13];

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
    throw new AutodiffError(
      "ERR_OPSET",
      `Expected a model of opset ${first} to ${last} and IR version ${lastIrVersion} at most but found ${wrong === undefined ? `IR version ${proto.irVersion}` : `opset ${wrong}`}: convert it with \`onnx.version_converter\`, or export it again.`,
    );
  }
  const to = Math.max(raisedOpset, ...versions);
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
  const before = nodesBefore(model, node.output[0] ?? "", list, step.names);
  for (let opset = from + 1; opset <= to; opset++) {
    const { name, opType } = node;
    const reason = opsetChanges[opset]?.[opType]?.(node, before);
    if (typeof reason === "string") {
      throw new AutodiffError(
        "ERR_OPSET",
        `The model's opset ${from} cannot be brought to ${to}: opset ${opset} changed ${opType} (node '${name}'), and ${reason}. Convert the model with \`onnx.version_converter\`, or export it again with opset ${raisedOpset}.`,
      );
    }
  }
  return [...list, node];
}

function nodesBefore(
  model: Model,
  prefix: string,
  list: NodeProto[],
  names: NameAuthority,
): NodesBefore {
  const append = (opType: string, input: string[], attribute: NodeProto["attribute"]): string => {
    const name = names.unique(`${prefix}/${opType}`);
    list.push(create(NodeProtoSchema, { name, opType, input, output: [name], attribute }));
    return name;
  };
  return {
    op: (opType, inputs, attributes) => append(opType, [...inputs], makeAttributes(attributes)),
    constant: (attribute) => {
      const value = clone(AttributeProtoSchema, attribute);
      if (value.type === Type.INT) {
        Object.assign(value, { type: Type.INTS, ints: [value.i] });
      }
      const kind = { [Type.FLOAT]: "float", [Type.FLOATS]: "floats" }[value.type as 1] ?? "ints";
      return append("Constant", [], [Object.assign(value, { name: `value_${kind}` })]);
    },
    numbers: (name) => {
      const { initializer, node } = model.graph;
      const maker = [...list, ...node].find(({ output }) => output[0] === name);
      const tensor =
        initializer.find((t) => t.name === name) ??
        (maker?.opType === "Constant" ? tensorOfConstant(maker) : undefined);
      return tensor && model.numbers(tensor);
    },
    hasOtherFloats: () => hasOtherFloats(model),
  };
}

/** Whether an input is a float other than float32, or something is cast to one. */
function hasOtherFloats({ graph }: Model): boolean {
  const casts = graph.node.filter(({ opType }) => opType === "Cast");
  return [
    ...graph.input.map(({ type }) => (type?.value.case === "tensorType" ? type.value.value.elemType : 0)),
    ...casts.map(({ attribute }) => Number(attribute.find(({ name }) => name === "to")?.i ?? 0)),
  ].some((type) => {
    const dtype = dataTypeFromProto(type);
    return dtype !== undefined && dtype !== "float32" && isFloat(dtype);
  });
}

function isStandard({ domain }: { readonly domain: string }): boolean {
  return domain === "" || domain === "ai.onnx";
}
