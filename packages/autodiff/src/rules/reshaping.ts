import type { GradientRule } from "./gradient-rule.ts";

/** Rules of operators that keep the elements and their order: dx = dy with the dims of x. */
function reshaping(opType: string): GradientRule {
  return { opType, build: (c) => [() => c.b.reshape(c.dy(), c.x().dims)] };
}

/**
 * Reshape (opset 5): dx = dy with the dims of x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Reshape.html
 */
export const reshape = reshaping("Reshape");

/**
 * Flatten (opset 1): dx = dy with the dims of x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Flatten.html
 */
export const flatten = reshaping("Flatten");

/**
 * Squeeze (opset 1): dx = dy with the dims of x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Squeeze.html
 */
export const squeeze = reshaping("Squeeze");

/**
 * Unsqueeze (opset 1): dx = dy with the dims of x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Unsqueeze.html
 */
export const unsqueeze = reshaping("Unsqueeze");

/**
 * Identity (opset 1): dx = dy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Identity.html
 */
export const identity = reshaping("Identity");

/**
 * OptionalGetElement (opset 18) of a tensor: dx = dy. Of an optional it never comes to this, as Optional
 * is refused.
 *
 * @see https://onnx.ai/onnx/operators/onnx__OptionalGetElement.html
 */
export const optionalGetElement = reshaping("OptionalGetElement");
