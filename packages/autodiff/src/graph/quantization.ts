import type { NodeProto } from "../model/onnx-messages.ts";

/** Whether a node is the standard operator of that name, or ONNX Runtime's own, which means the same. */
export function isQuantization(
  node: NodeProto,
  opType: "QuantizeLinear" | "DequantizeLinear",
): boolean {
  return node.opType === opType && (node.domain === "" || node.domain === "com.microsoft");
}
