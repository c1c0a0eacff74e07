import type { TensorProto } from "../model/onnx-messages.ts";
import { isQuantization } from "../graph/quantization.ts";
import { dataTypeFromProto } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";
import { hasOneElement } from "../model/tensor.ts";

/**
 * Moves ONNX Runtime's own QuantizeLinear and DequantizeLinear to the default domain where that has them:
 * for 8 bits always, for 16 bits from opset 21 on.
 *
 * @returns whether there was one
 */
export function standardizeQuantization({ graph, opset }: Model): boolean {
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  let isChanged = false;
  for (const node of graph.node) {
    const isOurs =
      node.domain !== "" &&
      (isQuantization(node, "QuantizeLinear") || isQuantization(node, "DequantizeLinear"));
    const bits = isOurs && bitsOf(initializers.get(node.input[2] ?? ""));
    const hasAxis = node.attribute.some(({ name }) => name === "axis");
    const isPerTensor = hasOneElement(initializers.get(node.input[1] ?? ""));
    if ((bits === 8 || (bits === 16 && opset >= 21)) && (isPerTensor || hasAxis)) {
      node.domain = "";
      isChanged = true;
    }
  }
  return isChanged;
}

function bitsOf(zeroPoint: TensorProto | undefined): number | undefined {
  const dtype = zeroPoint && dataTypeFromProto(zeroPoint.dataType);
  const digits = /^u?int(8|16)$/.exec(dtype ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
