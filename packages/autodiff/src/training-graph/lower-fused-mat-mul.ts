import type { NodeProto } from "../model/onnx-messages.ts";
import { floatAttribute, intAttribute } from "../graph/attribute.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";

/**
 * FusedMatMul(A, B) of com.microsoft as alpha·A·B with the last two axes of either transposed;
 * `undefined` for what has no such form (batch axes transposed).
 */
export function lowerFusedMatMul(
  b: GraphBuilder,
  node: NodeProto,
  inputs: readonly [Value, Value],
): Value | undefined {
  const isSet = (name: string) => intAttribute(node, name, 0) !== 0;
  if (isSet("transBatchA") || isSet("transBatchB") || inputs.some(({ dims }) => dims.length < 2)) {
    return undefined;
  }
  const turned = (x: Value, name: string) => {
    const perm = x.dims.map((_, i) => i);
    return isSet(name) ? b.transpose(x, [...perm.slice(0, -2), ...perm.slice(-2).toReversed()]) : x;
  };
  const product = b.matmul(turned(inputs[0], "transA"), turned(inputs[1], "transB"));
  const alpha = floatAttribute(node, "alpha", 1);
  return alpha === 1 ? product : arithmetic(b).mul(product, alpha);
}
