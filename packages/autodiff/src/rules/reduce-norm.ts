import { timesSign } from "./abs.ts";
import { reduction } from "./reduction.ts";

/**
 * ReduceL1 (opset 1): dx = dy·sign(x); 0 at the kink, as PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceL1.html
 */
export const reduceL1 = reduction("ReduceL1", (r) => timesSign(r, r.dy, r.x));

/**
 * ReduceL2 (opset 1): dx = dy·x/y, and 0 where y = 0, as PyTorch.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceL2.html
 */
export const reduceL2 = reduction("ReduceL2", ({ div, equal, mul, where, x, y, dy }) =>
  mul(where(equal(y(), 0), 0, div(dy, y())), x),
);

/**
 * ReduceSumSquare (opset 1): dx = 2·dy·x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ReduceSumSquare.html
 */
export const reduceSumSquare = reduction("ReduceSumSquare", ({ mul, x, dy }) => mul(mul(dy, 2), x));
