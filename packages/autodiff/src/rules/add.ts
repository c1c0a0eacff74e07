import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Add (opset 7): da = dy, db = dy, each summed to its input's dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Add.html
 */
export const add: GradientRule = {
  opType: "Add",
  build: (c) => [
    () => unbroadcast(c.b, c.dy(), c.x(0).dims),
    () => unbroadcast(c.b, c.dy(), c.x(1).dims),
  ],
};
