import { arithmetic } from "../graph/arithmetic.ts";
import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import type { Expansion } from "./expansion.ts";

/**
 * Swish (opset 24): x·sigmoid(αx).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Swish.html
 */
export const swish: Expansion = {
  opType: "Swish",
  expand: (c) => [gate(c)],
};

/**
 * SwiGLU (opset 28): a·sigmoid(αa)·b.
 *
 * @see https://onnx.ai/onnx/operators/onnx__SwiGLU.html
 */
export const swiGlu: Expansion = {
  opType: "SwiGLU",
  expand: (c) => [arithmetic(c.b).mul(gate(c), c.x(1))],
};

function gate(c: NodeContext): Value {
  const { mul } = arithmetic(c.b);
  const alpha = c.float("alpha", 1);
  const scaled = alpha === 1 ? c.x() : mul(c.x(), alpha);
  return mul(c.x(), c.b.op("Sigmoid", [scaled]));
}
