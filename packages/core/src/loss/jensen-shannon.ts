import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { logSoftmax } from "./pixel-cross-entropy.ts";

/**
 * The mean Jensen-Shannon divergence between the softmax p of the scored pixels and their labels, with the
 * sign that brings the goal nearer when it is ascended. Against all on one class Y it depends on p_Y alone:
 *
 *     JS = ½·KL(p‖m) + ½·KL(e_Y‖m), m = (p + e_Y)/2
 *        = log 2 + ½·(p_Y·log p_Y − (1 + p_Y)·log(1 + p_Y))
 *
 * in [0, log 2]. Its gradient goes to 0 on both sides: pixels that are lost, or won, count less and less.
 * From log p_Y all is finite, also where p_Y is less than a float32 can be.
 *
 * @see Croce, Singh, Hein 2024, arXiv 2306.12941, the loss JS
 */
export function jensenShannon(c: StepContext): Term[] {
  const { b, ops, scores, targetOneHot, counted, measured, direction } = c;
  const { add, sub, mul, div, max } = ops;
  const logP = b.reduce("ReduceSum", mul(targetOneHot, logSoftmax(b, ops, scores)), [1]);
  const p = b.op("Exp", [logP]);
  const more = add(p, 1);
  const half = mul(sub(mul(p, logP), mul(more, b.op("Log", [more]))), 0.5);
  const weight = mul(counted, div(-direction, max(measured.countedPixels, 1)));
  return [{ value: add(half, Math.LN2), weight }];
}
