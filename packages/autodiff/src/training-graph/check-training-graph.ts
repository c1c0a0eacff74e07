import { writeWithOutputs } from "../check/check-gradient.ts";
import { AutodiffError } from "../errors.ts";
import { compareWithDifferences, type GradientFigure } from "../check/finite-differences.ts";
import type { Value } from "../graph/value.ts";
import { elementCount } from "../model/data-type.ts";
import { writeModel } from "../model/write-model.ts";
import { mulberry32 } from "../check/mulberry32.ts";
import type { Runtime, SessionOptions } from "../runtime.ts";
import type { TrainingGraph } from "./import-training-graph.ts";

/**
 * The two tests. Kinks (Relu, MaxPool) blur differences along random directions by 1 to 3 %, so that
 * these find missing parts only; along the gradient's own signs steps can be so small that a factor
 * shows. Steps are shares of the image's range.
 */
const tests = [
  { isAligned: false, directions: 2, largestError: 0.1, steps: [5e-4, 2.5e-4, 1.2e-4, 6e-5, 3e-5] },
  { isAligned: true, directions: 1, largestError: 0.02, steps: [3e-4, 1e-4, 3e-5, 1e-5, 3e-6] },
] as const;

/** Options of {@link checkTrainingGraph}. */
export interface CheckTrainingGraphOptions {
  /** What the image input takes for black and white. @default [0, 1] */
  readonly range?: readonly [number, number] | undefined;
  readonly sessionOptions?: SessionOptions | undefined;
}

/**
 * Checks the gradient of a training graph against finite differences of its own forward part: two random
 * images and upstream gradients, random directions and such along the gradient, several steps.
 *
 * @returns the root mean square of the relative errors along the gradient
 * @throws AutodiffError `ERR_TRAINING_GRADIENT` with the figures (in `details.figures` too) when the
 *   gradient is wrong; `ERR_FEED` when the image is not float32 or float64
 */
export async function checkTrainingGraph(
  graph: TrainingGraph,
  runtime: Runtime,
  { range: [low, high] = [0, 1], sessionOptions }: CheckTrainingGraphOptions = {},
): Promise<number> {
  const { resolved, image, upstream, scores, gradient } = graph;
  const { dims } = resolved.types.get(image) as Value;
  let error = 0;
  for (const { isAligned, directions, largestError, steps } of tests) {
    const figures: GradientFigure[] = [];
    for (const seed of [1, 2]) {
      const random = mulberry32(seed + 1000);
      const feed = Array.from({ length: elementCount(dims) }, () => low + (high - low) * random());
      const compared = await compareWithDifferences(
        {
          runtime,
          backward: { types: resolved, written: writeModel(resolved.model, "reference") },
          forward: { types: resolved, written: writeWithOutputs(resolved, [scores]) },
          inputs: [{ name: image, gradient }],
          outputs: [{ name: scores, upstream }],
        },
        {
          feeds: { [image]: feed },
          directions,
          isAligned,
          steps: steps.map((share) => share * Math.abs(high - low)),
          tolerance: largestError / 5,
          seed,
          sessionOptions,
        },
      );
      figures.push(...compared.figures);
    }
    error = Math.sqrt(mean(figures.map(({ relativeError }) => relativeError ** 2)));
    if (!(error <= largestError)) {
      throw wrong(graph, figures, error, largestError);
    }
  }
  return error;
}

function wrong(
  { gradient, scores, image }: TrainingGraph,
  figures: readonly GradientFigure[],
  error: number,
  largestError: number,
): AutodiffError {
  const pairs = figures
    .map(({ found, expected }) => `${found.toPrecision(4)} for ${expected.toPrecision(4)}`)
    .join(", ");
  return new AutodiffError(
    "ERR_TRAINING_GRADIENT",
    `Expected '${gradient}' to be the gradient of '${scores}' with respect to '${image}' but along some directions it is ${pairs} by finite differences of the graph's own forward part (relative error ${error.toPrecision(3)}, expected at most ${largestError}). ${guess(figures)} Build the training graph again, or leave it out.`,
    { details: { figures, error } },
  );
}

/** What may have gone wrong, from the factor that fits best. */
function guess(figures: readonly GradientFigure[]): string {
  const sum = (f: (figure: GradientFigure) => number) => figures.reduce((s, x) => s + f(x), 0);
  const factor = sum((x) => x.found * x.expected) / sum((x) => x.expected ** 2);
  const rest = sum((x) => (x.found - factor * x.expected) ** 2);
  if (!Number.isFinite(factor)) {
    return "It is not a number, or the scores do not depend on the image.";
  }
  if (factor === 0) {
    return "It is zero.";
  }
  if (rest > 0.01 * sum((x) => x.found ** 2)) {
    return "It is no multiple of the right one: a part may be missing, or it belongs to another value.";
  }
  return factor < 0
    ? `It is ${factor.toPrecision(3)} times the right one: its sign is turned.`
    : `It is ${factor.toPrecision(3)} times the right one, as when a loss takes the mean or a weight.`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}
