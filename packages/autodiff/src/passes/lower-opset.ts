import type { ModelProto, NodeProto } from "onnx-buf";

/** Operators of the default domain that opset 21 does not have. */
const newerThan21 = new Set([
  "Attention",
  "RMSNormalization",
  "RotaryEmbedding",
  "SwiGLU",
  "Swish",
  "TensorScatter",
  "BitCast",
  "CumProd",
  "LinearAttention",
  "CausalConvWithState",
  "SwiGLU",
]);

/** The IR version of opset 21; what later ones add (sharding, sub-byte types) is not looked at. */
const irVersion = 10n;

/** Whether a node's operator came after opset 21. */
export function isNewerThan21(node: NodeProto): boolean {
  return node.domain === "" && newerThan21.has(node.opType);
}

/**
 * Relabels a model of opset 22 or newer as opset 21 where nothing but type lists changed in between:
 * execution providers match the version of a kernel exactly, and many have none for 22. The IR version
 * is lowered in any case, as exporters write versions that the runtime does not know yet.
 */
export function lowerOpset(model: ModelProto): void {
  const entry = model.opsetImport.find((o) => o.domain === "" || o.domain === "ai.onnx");
  const isNewer = model.graph?.node.some(isNewerThan21);
  if (entry !== undefined && entry.version > 21n && !isNewer) {
    entry.version = 21n;
  }
  if (model.irVersion > irVersion) {
    model.irVersion = irVersion;
  }
}
