import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
// The messages of a test are made as those of a derived graph are.
import { makeAttributes, type Attributes } from "../../packages/autodiff/src/graph/attribute.ts";
import { valueInfo } from "../../packages/autodiff/src/graph/value-info.ts";
import { makeTensor } from "../../packages/autodiff/src/model/tensor.ts";

/** A node from its operator (`domain.OpType`, or `OpType` alone), inputs, outputs and attributes. */
export function node(
  operator: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Attributes | readonly AttributeProto[] = {},
  change: { readonly overload?: string } = {},
): NodeProto {
  const at = operator.lastIndexOf(".");
  return create(NodeProtoSchema, {
    name: output.find((name) => name !== "")?.concat("_node") ?? "",
    domain: operator.slice(0, Math.max(at, 0)),
    opType: operator.slice(at + 1),
    input: [...input],
    output: [...output],
    attribute: Array.isArray(attributes)
      ? (attributes as AttributeProto[])
      : makeAttributes(attributes as Attributes),
    ...change,
  });
}

/** An attribute that takes the value of an attribute of the function around. */
export function reference(name: string, refAttrName: string, type = Type.FLOAT): AttributeProto {
  return create(AttributeProtoSchema, { name, refAttrName, type });
}

/** A graph as an attribute. */
export function graphAttribute(name: string, g: GraphProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: Type.GRAPH, g });
}

/** A list of strings as an attribute. */
export function stringsAttribute(name: string, strings: readonly string[]): AttributeProto {
  const encoder = new TextEncoder();
  return create(AttributeProtoSchema, {
    name,
    type: Type.STRINGS,
    strings: strings.map((s) => encoder.encode(s)),
  });
}

/** A model-local function, `domain.name`. */
export function localFunction(
  name: string,
  input: readonly string[],
  output: readonly string[],
  nodes: readonly NodeProto[],
  change: {
    readonly opset?: number;
    readonly overload?: string;
    readonly attribute?: string[];
    readonly attributeProto?: AttributeProto[];
  } = {},
): FunctionProto {
  const at = name.lastIndexOf(".");
  const { opset = 17, ...rest } = change;
  return create(FunctionProtoSchema, {
    domain: name.slice(0, at),
    name: name.slice(at + 1),
    input: [...input],
    output: [...output],
    node: [...nodes],
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })],
    ...rest,
  });
}

/** A float32 tensor. */
export function floats(
  name: string,
  dims: readonly number[],
  data: readonly number[],
): TensorProto {
  return makeTensor(name, "float32", dims, data);
}

/** A graph whose outputs have no type yet. */
export function graph(
  nodes: readonly NodeProto[],
  outputs: readonly string[],
  initializer: readonly TensorProto[] = [],
  input: readonly ValueInfoProto[] = [],
): GraphProto {
  return create(GraphProtoSchema, {
    name: "graph",
    node: [...nodes],
    input: [...input],
    initializer: [...initializer],
    output: outputs.map((name) => create(ValueInfoProtoSchema, { name })),
  });
}

/** A model of float32 inputs with these dims. */
export function modelProto(
  inputs: Readonly<Record<string, readonly number[]>>,
  nodes: readonly NodeProto[],
  outputs: readonly string[],
  options: {
    readonly opset?: number;
    readonly domains?: readonly string[];
    readonly functions?: readonly FunctionProto[];
    readonly initializer?: readonly TensorProto[];
  } = {},
): ModelProto {
  const { opset = 17, domains = [], functions = [], initializer = [] } = options;
  const input = Object.entries(inputs).map(([name, dims]) =>
    valueInfo({ name, dtype: "float32", dims }),
  );
  return create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) }),
      ...domains.map((domain) => create(OperatorSetIdProtoSchema, { domain, version: 1n })),
    ],
    graph: graph(nodes, outputs, initializer, input),
    functions: [...functions],
  });
}
