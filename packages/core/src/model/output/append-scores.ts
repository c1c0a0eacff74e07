import { isFloat, type GraphBuilder, type Value } from "@onnx-asma/autodiff";
import { fromLayout } from "../layout.ts";
import type { OutputHead } from "./output-head.ts";
import { appendQueryScores } from "./query-head.ts";
import { appendRegrid } from "../grid/regrid.ts";

/**
 * Appends what makes scores per class and pixel of a model's own values: queries combined, axes
 * ordered, the chosen channel taken, the grid changed.
 *
 * @param scores the value that `head` names, or what gives it in a training graph
 * @param images number N of samples that count, from the first on
 * @returns float32 [N, K, …size], K ≥ 2; one channel z becomes [−z, z]/2 with the border at 0
 */
export function appendScores(
  b: GraphBuilder,
  head: OutputHead,
  scores: Value,
  images: number,
): Value {
  const raw = b.cast(dequantized(b, scores), "float32");
  const all =
    head.queries === undefined
      ? fromLayout(b, raw, head.layout, images)
      : appendQueryScores(b, raw, head.queries, images);
  const enlarged = (head.enlarge ?? []).reduce(
    (x, indices, i) =>
      indices.length === x.dims[i + 2] && indices.every((from, to) => from === to)
        ? x
        : b.op("Gather", [x, b.ints(indices)], { axis: i + 2 }),
    all,
  );
  if (head.channel === undefined) {
    return appendRegrid(b, enlarged, head.steps);
  }
  const { channel, border, sign } = head;
  const one = head.channels === 1 ? enlarged : b.slice(enlarged, [1], [channel], [channel + 1]);
  const z = appendRegrid(b, one, head.steps);
  const centred = border === 0 ? z : b.op("Sub", [z, b.scalar(border)]);
  const half = b.op("Mul", [centred, b.scalar(0.5 * sign)]);
  return b.op("Concat", [b.op("Neg", [half]), half], { axis: 1 });
}

/** Float scores as they are, quantized ones by the scale and zero point that made them. */
function dequantized(b: GraphBuilder, scores: Value): Value {
  const [, ...parameters] = b.producer(scores)?.input ?? [];
  return isFloat(scores.dtype)
    ? scores
    : b.op("DequantizeLinear", [scores, ...parameters.map((name) => b.value(name))]);
}
