import type { Value } from "../graph/value.ts";
import type { Arithmetic } from "../graph/arithmetic.ts";
import { elementwise } from "./elementwise.ts";
import type { RuleContext } from "./gradient-rule.ts";

/**
 * Elu (opset 6): dx = dy where x > 0, else dy·(y + alpha), which is alpha·exp(x) (so at the kink, as
 * PyTorch).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Elu.html
 */
export const elu = elementwise("Elu", (c, a) => {
  const alpha = c.float("alpha", 1);
  return branches(c, a, alpha >= 0, c.dy(), a.add(c.y(), alpha));
});

/**
 * Selu (opset 6): dx = gamma·dy where x > 0, else dy·(y + gamma·alpha) (so at the kink, as PyTorch).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Selu.html
 */
export const selu = elementwise("Selu", (c, a) => {
  const alpha = c.float("alpha", 1.6732631921768188);
  const gamma = c.float("gamma", 1.0507010221481323);
  const positive = a.mul(c.dy(), gamma);
  return branches(c, a, gamma > 0 && alpha >= 0, positive, a.add(c.y(), gamma * alpha));
});

/**
 * Celu (opset 12): dx = dy where x > 0, else dy·(y/alpha + 1), which is exp(x/alpha) (1 at the kink).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Celu.html
 */
export const celu = elementwise("Celu", (c, a) =>
  branches(c, a, true, c.dy(), a.add(a.div(c.y(), c.float("alpha", 1)), 1)),
);

/** `positive` where x > 0, else dy·slope; the mask comes from the output where that keeps the sign. */
function branches(
  c: RuleContext,
  { greater, mul, where }: Arithmetic,
  outputHasSign: boolean,
  positive: Value,
  slope: Value,
): Value {
  return where(greater(outputHasSign ? c.y() : c.x(), 0), positive, mul(c.dy(), slope));
}
