import { create } from "@bufbuild/protobuf";
import type { NodeProto, TensorProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { intAttribute, makeAttributes, type Attributes } from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import { normalizeAxis } from "../graph/value.ts";
import { dataTypeFromProto, dataTypeToProto } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";
import { hasOneElement, makeTensor } from "../model/tensor.ts";
import { isQuantization } from "../graph/quantization.ts";

/**
 * Writes DequantizeLinear of a constant as (Cast(q) − Cast(z))·s. Runtimes compute that once, when they
 * load the graph; a DequantizeLinear they leave in place, for integer kernels that a gradient graph
 * cannot use, and compute it at every run. The integers stay where they are. Blocks, 4 bits and float8
 * are left as they are.
 *
 * @returns whether there was one
 */
export function unfoldQuantizedWeights({ graph }: Model): boolean {
  const names = new NameAuthority(namesOf(graph));
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const producers = new Map(graph.node.flatMap((node) => node.output.map((o) => [o, node])));
  /** The constant, or the constant behind a QuantizeLinear: both have the same dims. */
  const weightOf = (name: string): TensorProto | undefined => {
    const node = producers.get(name);
    const behind = node && isQuantization(node, "QuantizeLinear") ? node.input[0] : name;
    return initializers.get(behind ?? "");
  };
  let isChanged = false;
  graph.node = graph.node.flatMap((node) => {
    const [q = "", s = "", z = ""] = node.input;
    const weight = isQuantization(node, "DequantizeLinear") ? weightOf(q) : undefined;
    const scale = initializers.get(s);
    const isPlain =
      intAttribute(node, "block_size", 0) === 0 &&
      (q !== weight?.name || /^u?int(8|16|32)$/.test(dataTypeFromProto(weight.dataType) ?? ""));
    if (
      weight === undefined ||
      scale === undefined ||
      !isPlain ||
      scale.dataType !== dataTypeToProto("float32") ||
      intAttribute(node, "output_dtype", scale.dataType) !== scale.dataType
    ) {
      return [node];
    }
    isChanged = true;
    const added: NodeProto[] = [];
    const append = (opType: string, input: string[], attributes: Attributes = {}, to?: string) => {
      const name = names.unique(`${node.name}/${opType}`);
      const output = to ?? `${name}_output`;
      added.push(
        create(NodeProtoSchema, {
          name,
          opType,
          input,
          output: [output],
          attribute: makeAttributes(attributes),
        }),
      );
      return output;
    };
    const toFloat = (name: string) => append("Cast", [name], { to: dataTypeToProto("float32") });
    const rank = weight.dims.length;
    const axis = normalizeAxis(intAttribute(node, "axis", 1), rank);
    let alongAxis: string | undefined;
    /** Along the axis of the channels; one number needs no axis. */
    const broadcast = (name: string) => {
      if (hasOneElement(scale)) {
        return rank === 0 ? name : append("Reshape", [name, shape([1])]);
      }
      alongAxis ??= shape(Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1)));
      return append("Reshape", [name, alongAxis]);
    };
    const shape = (dims: readonly number[]) => {
      const name = names.unique(`${node.name}/dims`);
      graph.initializer.push(makeTensor(name, "int64", [dims.length], dims));
      return name;
    };
    const integers = toFloat(q);
    const centred = z === "" ? integers : append("Sub", [integers, broadcast(toFloat(z))]);
    append("Mul", [centred, broadcast(s)], {}, node.output[0]);
    return added;
  });
  return isChanged;
}
