import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import { dataTypeFromProto, elementCount } from "../model/data-type.ts";

/** Whether a node is the standard operator of that name, or ONNX Runtime's own, which means the same. */
export function isQuantization(
  node: NodeProto,
  opType: "QuantizeLinear" | "DequantizeLinear",
): boolean {
  return node.opType === opType && (node.domain === "" || node.domain === "com.microsoft");
}

/**
 * Moves ONNX Runtime's own QuantizeLinear and DequantizeLinear to the default domain where that has them:
 * for 8 bits always, for 16 bits from opset 21 on.
 */
export function standardizeQuantization(graph: GraphProto, opset: number): void {
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const node of graph.node) {
    const isOurs =
      isQuantization(node, "QuantizeLinear") || isQuantization(node, "DequantizeLinear");
    const bits = isOurs && bitsOf(initializers.get(node.input[2] ?? ""));
    const hasAxis = node.attribute.some(({ name }) => name === "axis");
    const isPerTensor = isScalar(initializers.get(node.input[1] ?? ""));
    if ((bits === 8 || (bits === 16 && opset >= 21)) && (isPerTensor || hasAxis)) {
      node.domain = "";
    }
  }
}

/** Whether a constant is one number. */
export function isScalar(tensor: TensorProto | undefined): boolean {
  return tensor !== undefined && elementCount(tensor.dims.map(Number)) === 1;
}

function bitsOf(zeroPoint: TensorProto | undefined): number | undefined {
  const dtype = zeroPoint && dataTypeFromProto(zeroPoint.dataType);
  const digits = /^u?int(8|16)$/.exec(dtype ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
