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
