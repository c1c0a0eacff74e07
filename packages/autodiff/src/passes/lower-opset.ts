import type { NodeProto } from "../model/onnx-messages.ts";
import type { Model } from "../model/model.ts";

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
 *
 * @returns whether either was lowered
 */
export function lowerOpset({ proto, graph }: Model): boolean {
  const entry = proto.opsetImport.find((o) => o.domain === "" || o.domain === "ai.onnx");
  let isChanged = false;
  if (entry !== undefined && entry.version > 21n && !graph.node.some(isNewerThan21)) {
    entry.version = 21n;
    isChanged = true;
  }
  if (proto.irVersion > irVersion) {
    proto.irVersion = irVersion;
    isChanged = true;
  }
  return isChanged;
}
