import { isFloat, type GraphBuilder, type Value } from "@onnx-asma/autodiff";
import { dimsFor, fromLayout } from "../layout.ts";
import type { OutputHead } from "./output-head.ts";
import { appendQueryScores } from "./query-head.ts";
import { appendRegrid } from "../grid/regrid.ts";

/** Probabilities below are as good as none: logarithms stay finite, far above what float32 cannot hold. */
const least = 1e-30;

/** Scores, and the numbers of the model that they are functions of, entry by entry. */
export interface AppendedScores {
  /** float32 [N, K, …size], K ≥ 2 */
  readonly scores: Value;
  /** float32 [N, C, …size]: one channel, or all: logits, or log-probabilities of `own`. */
  readonly logits: Value;
  /** Of the dims of `logits`: the numbers of the model on the label grid. */
  readonly own: Value;
}

/**
 * Appends what makes scores per class and pixel of a model's own values: queries combined, axes
 * ordered, the chosen channel taken, the grid changed, the logarithm of probabilities.
 *
 * @param scores the value that `head` names, or what gives it in a training graph
 * @param images number N of samples that count, from the first on
 * @returns one channel z becomes [−z, z]/2 with the border at 0
 */
export function appendScores(
  b: GraphBuilder,
  head: OutputHead,
  scores: Value,
  images: number,
): AppendedScores {
  const { layout, channels, channel, border, sign, saturation, outputSize } = head;
  const float = b.cast(dequantized(b, scores), "float32");
  const raw =
    float.dims.length === layout.length
      ? float
      : b.reshape(float, dimsFor(layout, images, channels, outputSize));
  const all =
    head.queries === undefined
      ? fromLayout(b, raw, layout, images)
      : appendQueryScores(b, raw, head.queries, images);
  const enlarged = (head.enlarge ?? []).reduce(
    (x, indices, i) =>
      indices.length === x.dims[i + 2] && indices.every((from, to) => from === to)
        ? x
        : b.op("Gather", [x, b.ints(indices)], { axis: i + 2 }),
    all,
  );
  const one =
    channel === undefined || channels === 1
      ? enlarged
      : b.slice(enlarged, [1], [channel], [channel + 1]);
  const own = appendRegrid(b, one, head.steps);
  const by = (op: string, x: Value, y: number) => b.op(op, [x, b.scalar(y)]);
  const { low, high } = saturation ?? { low: 0, high: 1 };
  const log = (x: Value) => b.op("Log", [by("Max", x, least)]);
  const p = saturation && by("Div", by("Sub", own, low), high - low);
  if (channel === undefined) {
    const logits = p === undefined ? own : log(p);
    return { scores: logits, logits, own };
  }
  const logits = p === undefined ? own : b.op("Sub", [log(p), log(b.op("Sub", [b.scalar(1), p]))]);
  const at = (border - low) / (high - low);
  const zero = p === undefined ? border : Math.log(at / (1 - at));
  const half = by("Mul", zero === 0 ? logits : by("Sub", logits, zero), 0.5 * sign);
  return { scores: b.op("Concat", [b.op("Neg", [half]), half], { axis: 1 }), logits, own };
}

/** Float scores as they are, quantized ones by the scale and zero point that made them. */
function dequantized(b: GraphBuilder, scores: Value): Value {
  const [, ...parameters] = b.producer(scores)?.input ?? [];
  return isFloat(scores.dtype)
    ? scores
    : b.op("DequantizeLinear", [scores, ...parameters.map((name) => b.value(name))]);
}
