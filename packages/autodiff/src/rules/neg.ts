import { elementwise } from "./elementwise.ts";

/**
 * Neg (opset 6): dx = −dy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Neg.html
 */
export const neg = elementwise("Neg", (c) => c.b.op("Neg", [c.dy()]));
