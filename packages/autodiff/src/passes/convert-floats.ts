import { create } from "@bufbuild/protobuf";
import type {
  AttributeProto,
  GraphProto,
  NodeProto,
  TensorProto,
  TypeProto,
} from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { makeAttributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import {
  dataTypeFromProto,
  dataTypeToProto,
  elementCount,
  type DataType,
} from "../model/data-type.ts";
import { inlineLimit, type Model } from "../model/model.ts";
import { makeTensor } from "../model/tensor.ts";
import type { PassContext } from "./pass.ts";

/** Attributes that hold an element type. */
const typeAttributes = new Set([
  "to",
  "dtype",
  "output_dtype",
  "output_datatype",
  "stash_type",
  "softmax_precision",
  "precision",
]);

/**
 * Turns every tensor of the context's float types into float32, in place: inputs, outputs, weights,
 * element types in attributes (Cast, ConstantOfShape, random operators, …), subgraphs and functions.
 *
 * A large weight stays where it is: its initializer gets another name, and a Cast, which the runtime
 * computes once when it loads the graph, gives the float32 value. Small ones are rewritten.
 *
 * Activations are no longer rounded to the model's own type, and no longer overflow at its largest
 * number; otherwise the model computes the same.
 *
 * The types that it finds are added to the context's.
 *
 * @returns whether it found one
 */
export function convertFloats(
  model: Model,
  { floatTypes, foundFloats }: Pick<PassContext, "floatTypes" | "foundFloats">,
): boolean {
  const names = new NameAuthority(namesOf(model.graph));
  let isChanged = false;
  /** The type if it is to be converted. */
  const converted = (elementType: number): DataType | undefined => {
    const dtype = dataTypeFromProto(elementType);
    if (dtype === undefined || !floatTypes.has(dtype)) {
      return undefined;
    }
    foundFloats.add(dtype);
    isChanged = true;
    return dtype;
  };
  const float32 = dataTypeToProto("float32");

  function convertType(type: TypeProto | undefined): void {
    const value = type?.value;
    switch (value?.case) {
      case "tensorType":
      case "sparseTensorType":
        value.value.elemType = converted(value.value.elemType) ? float32 : value.value.elemType;
        break;
      case "sequenceType":
      case "optionalType":
        convertType(value.value.elemType);
        break;
      case "mapType":
        convertType(value.value.valueType);
    }
  }

  function rewrite(tensor: TensorProto): TensorProto {
    if (converted(tensor.dataType) === undefined) {
      return tensor;
    }
    const numbers = model.numbers(tensor) ?? [];
    return makeTensor(tensor.name, "float32", tensor.dims.map(Number), numbers);
  }

  function convertAttribute(attribute: AttributeProto): void {
    if (typeAttributes.has(attribute.name) && converted(Number(attribute.i))) {
      attribute.i = BigInt(float32);
    }
    attribute.t &&= rewrite(attribute.t);
    attribute.tensors = attribute.tensors.map(rewrite);
    for (const sparse of [attribute.sparseTensor, ...attribute.sparseTensors]) {
      if (sparse?.values) {
        sparse.values = rewrite(sparse.values);
      }
    }
    [attribute.tp, ...attribute.typeProtos].forEach(convertType);
    [attribute.g, ...attribute.graphs].forEach((graph) => graph && convertGraph(graph));
  }

  const convertNodes = (nodes: readonly NodeProto[]) =>
    nodes.forEach((node) => node.attribute.forEach(convertAttribute));

  function convertGraph(graph: GraphProto): void {
    convertNodes(graph.node);
    for (const { type } of [...graph.input, ...graph.output, ...graph.valueInfo]) {
      convertType(type);
    }
    for (const { values } of graph.sparseInitializer) {
      Object.assign(values ?? {}, values && rewrite(values));
    }
    const casts: NodeProto[] = [];
    graph.initializer = graph.initializer.map((tensor) => {
      if (elementCount(tensor.dims.map(Number)) * 4 < inlineLimit) {
        return rewrite(tensor);
      }
      const dtype = converted(tensor.dataType);
      if (dtype !== undefined) {
        const { name } = tensor;
        tensor.name = names.unique(`${name}_${dtype}`);
        casts.push(
          create(NodeProtoSchema, {
            name: names.unique(`${name}_cast`),
            opType: "Cast",
            input: [tensor.name],
            output: [name],
            attribute: makeAttributes({ to: float32 }),
          }),
        );
      }
      return tensor;
    });
    graph.node.unshift(...casts);
  }

  convertGraph(model.graph);
  model.proto.functions.forEach(({ node }) => convertNodes(node));
  return isChanged;
}
