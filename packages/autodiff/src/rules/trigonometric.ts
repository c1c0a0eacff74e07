import { elementwise } from "./elementwise.ts";

/**
 * Sin (opset 7): dx = dy·cos x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Sin.html
 */
export const sin = elementwise("Sin", (c, { mul }) => mul(c.dy(), c.b.op("Cos", [c.x()])));

/**
 * Cos (opset 7): dx = −dy·sin x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Cos.html
 */
export const cos = elementwise("Cos", (c, { mul }) =>
  c.b.op("Neg", [mul(c.dy(), c.b.op("Sin", [c.x()]))]),
);

/**
 * Tan (opset 7): dx = dy·(1 + y²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Tan.html
 */
export const tan = elementwise("Tan", (c, { add, mul }) => mul(c.dy(), add(mul(c.y(), c.y()), 1)));

/**
 * Asin (opset 7): dx = dy/√(1 − x²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Asin.html
 */
export const asin = elementwise("Asin", (c, { div, mul, sub }) =>
  div(c.dy(), c.b.op("Sqrt", [sub(1, mul(c.x(), c.x()))])),
);

/**
 * Acos (opset 7): dx = −dy/√(1 − x²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Acos.html
 */
export const acos = elementwise("Acos", (c, { div, mul, sub }) =>
  c.b.op("Neg", [div(c.dy(), c.b.op("Sqrt", [sub(1, mul(c.x(), c.x()))]))]),
);

/**
 * Atan (opset 7): dx = dy/(1 + x²).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Atan.html
 */
export const atan = elementwise("Atan", (c, { add, div, mul }) =>
  div(c.dy(), add(mul(c.x(), c.x()), 1)),
);
