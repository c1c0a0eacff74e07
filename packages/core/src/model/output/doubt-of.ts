import type { OutputHead } from "./output-head.ts";
import { indexIn } from "../layout.ts";
import { option } from "../option.ts";

/**
 * What speaks against a guess, in the numbers that the model gave: logits have both signs, and scores of which the
 * largest wins have no range unless they add up to 1. `undefined` when nothing does, or it was no guess.
 *
 * @param numbers all of the output
 * @param pixels of a sample
 */
export function doubtOf(
  { isUnsure, output, decoding: { kind, layout, channels } }: OutputHead,
  numbers: ArrayLike<number | bigint>,
  pixels: number,
): string | undefined {
  if (!isUnsure) {
    return undefined;
  }
  const at = indexIn(layout, channels, pixels);
  let [low, high, isShared] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (let i = 0; i < pixels; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      const value = Number(numbers[at(c, i)]);
      sum += value;
      [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    isShared &&= Math.abs(sum - 1) < 1e-2;
  }
  const isScores = kind === "argmax" && (isShared || high > 255);
  return low < 0 || isScores
    ? undefined
    : `'${output}' was taken for ${kind === "argmax" ? "scores" : "logits"}, a guess, but its numbers lie in [${low.toPrecision(3)}, ${high.toPrecision(3)}], none below 0: say what they are with ${option("outputKind")} or ${option("border")}, or name another ${option("output")}.`;
}
