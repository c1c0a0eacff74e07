import type { StepContext } from "../attack/step-context.ts";
import type { Term } from "../model/append-model.ts";
import { largestOther } from "./largest-other.ts";

/**
 * The mean over the scored pixels of the margin z_Y − max_{k≠Y} z_k where the goal is not reached yet,
 * with the sign that brings it nearer when ascended; pixels that are as wanted do not count.
 *
 * @see Carlini and Wagner 2017, arXiv 1608.04644, f_6, pixel by pixel
 */
export function margin(c: StepContext): Term[] {
  const { b, ops, scores, targetOneHot, wrong, measured, direction } = c;
  const { mul, div, max } = ops;
  const weight = mul(wrong, div(direction, max(measured.countedPixels, 1)));
  return [
    { value: scores, weight: mul(targetOneHot, weight) },
    { value: largestOther(b, scores, targetOneHot), weight: mul(weight, -1) },
  ];
}
