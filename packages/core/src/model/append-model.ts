import {
  vectorJacobianProduct,
  type GraphBuilder,
  type TrainingGraph,
  type Value,
} from "@onnx-asma/autodiff";
import { isIntegerImage, roundStraightThrough } from "./input/integer-image.ts";
import { appendPreprocessing } from "./input/preprocessing.ts";
import type { ModelDescription } from "./model-description.ts";
import { appendScores } from "./output/append-scores.ts";
import type { Saturating } from "./output/evidence.ts";

/** A part ⟨weight, value⟩ of a loss. */
export interface Term {
  /** The scores, or what was computed from them. */
  readonly value: Value;
  /** Of the dims of `value`; no gradient flows through it. */
  readonly weight: Value;
}

/** A model in a graph under construction. */
export interface AppendedModel {
  /** Scores of dims [N, K, …size], K ≥ 2, float32; one channel z becomes [−z, z]/2. */
  readonly scores: Value;
  /**
   * Appends the gradient of Σ ⟨weight, value⟩ with respect to the image, of its dims; `undefined` where
   * there is none. To be called once.
   *
   * @throws UnsupportedOperatorError with all operators without a gradient rule
   */
  readonly gradientOf: (terms: readonly Term[]) => Value | undefined;
  /** [N or 1, 1, …]: mean log-odds before the softmaxes and sigmoids that saturate; `undefined` where none does. */
  readonly leadBefore: Value | undefined;
}

/** What {@link appendModel} puts in a graph. */
export interface ModelParts {
  readonly description: Pick<ModelDescription, "input" | "preprocessing" | "head">;
  /** Gives the gradient instead of our own rules. */
  readonly trainingGraph?: TrainingGraph | undefined;
}

/**
 * Puts a model behind `image` in a graph that was started with the model, or with its training graph:
 * preprocessing in front of it, scores after it. Where probabilities saturate, gradients pass softmax and
 * sigmoid at a higher temperature (backward pass differentiable approximation: Athalye, Carlini, Wagner,
 * arXiv 1802.00420); the scores are the logarithms of the model's own numbers.
 *
 * @param image float32 [N, C, …size], values in [0, 1]
 */
export function appendModel(b: GraphBuilder, image: Value, parts: ModelParts): AppendedModel {
  const { trainingGraph: training, description } = parts;
  const { input, preprocessing, head } = description;
  const own = b.value(training?.image ?? input.name);
  let prepared = image;
  b.prepend(() => {
    const plain = appendPreprocessing(b, image, own.dtype, preprocessing);
    const isWhole = isIntegerImage(input.dtype);
    prepared = isWhole ? roundStraightThrough(b, plain, preprocessing.range) : plain;
    b.replaceInput(own, prepared);
  });
  const raw = b.value(training?.scores ?? head.scores);
  const { scores, logits, own: numbers } = appendScores(b, head, raw, image.dims[0] as number);
  const gradient = (terms: readonly Term[], by: readonly Value[]) => {
    const outputs = terms.map(({ value, weight }) => ({ value, upstream: weight }));
    return vectorJacobianProduct(b, outputs, by);
  };
  /** What the terms come to before all that saturates. */
  const passed = (terms: readonly Term[], saturating: readonly Saturating[]): readonly Term[] => {
    if (saturating.length === 0) {
      return terms;
    }
    const weights = gradient(
      terms,
      saturating.map(({ value }) => b.value(value)),
    );
    return saturating.flatMap((each, i) => {
      const upstream = weights[i];
      if (upstream === undefined) {
        return [];
      }
      const weight =
        each.middle !== undefined ? tempered(b, upstream, each.middle, each) : upstream;
      return passed([{ value: b.value(each.input), weight }], each.before);
    });
  };
  const gradientOf = (terms: readonly Term[]): Value | undefined => {
    if (training === undefined) {
      const { saturation } = head;
      if (saturation === undefined) {
        return gradient(terms, [image])[0];
      }
      const [weight] = gradient(terms, [logits]);
      const before = weight && passed([{ value: numbers, weight }], saturation.passed);
      return before?.length ? gradient(before, [image])[0] : undefined;
    }
    const [seed] = gradient(terms, [raw]);
    if (seed === undefined) {
      return undefined;
    }
    b.replaceInput(b.value(training.upstream), seed);
    return gradient([{ value: prepared, weight: b.value(training.gradient) }], [image])[0];
  };
  const isPassed = training === undefined && head.saturation !== undefined;
  const leadBefore = isPassed
    ? meanLead(b, head.saturation.passed, image.dims[0] as number)
    : undefined;
  return { scores, gradientOf, leadBefore };
}

/** Lead of a class, on average, after the temperature: of 0.2 to 1 that for which resized heads and ensembles need the fewest steps. */
const temperedLead = 0.3;

/**
 * The gradient before a softmax or sigmoid, given that after it, at a temperature (Hinton, Vinyals, Dean, arXiv
 * 1503.02531) at which it is not flat: pixels and members of ensembles that are near another class weigh more, and
 * none weighs nothing. The temperature is the mean lead ÷ {@link temperedLead}, at least 1; a mean over space only.
 */
function tempered(
  b: GraphBuilder,
  upstream: Value,
  middle: number,
  { input, axis }: Saturating,
): Value {
  const before = b.value(input);
  const scalar = (n: number) => b.scalar(n, before.dtype);
  const z = middle === 0 ? before : b.op("Sub", [before, scalar(middle)]);
  const rank = z.dims.length;
  const classes = axis === undefined ? undefined : (axis + rank) % rank;
  const space = z.dims.map((_, i) => i).filter((i) => i > 0 && i >= rank - 3 && i !== classes);
  const lead = leadOf(b, z, classes);
  const mean = b.reduce("ReduceMean", lead, space);
  const temperature = b.op("Max", [b.op("Div", [mean, scalar(temperedLead)]), scalar(1)]);
  const cooled = b.op("Div", [z, temperature]);
  if (classes === undefined) {
    const p = b.op("Sigmoid", [cooled]);
    return b.op("Mul", [upstream, b.op("Mul", [p, b.op("Sub", [scalar(1), p])])]);
  }
  const p = b.op("Softmax", [cooled], { axis: classes });
  const weighted = b.op("Mul", [upstream, p]);
  return b.op("Sub", [weighted, b.op("Mul", [p, b.reduce("ReduceSum", weighted, [classes])])]);
}

/** By how much the largest number along an axis leads the second, 0 where all are equal; without an axis |z|. */
function leadOf(b: GraphBuilder, z: Value, axis: number | undefined): Value {
  if (axis === undefined) {
    return b.op("Abs", [z]);
  }
  const largest = b.reduce("ReduceMax", z, [axis]);
  const others = b.op("Where", [b.op("Equal", [z, largest]), b.reduce("ReduceMin", z, [axis]), z]);
  return b.op("Sub", [largest, b.reduce("ReduceMax", others, [axis])]);
}

/** Over all that is flat, and per image where axis 0 holds the images. */
function meanLead(
  b: GraphBuilder,
  passed: readonly Saturating[],
  images: number,
): Value | undefined {
  const flat = (all: readonly Saturating[]): readonly Saturating[] =>
    all.flatMap((each) => [...(each.middle === undefined ? [] : [each]), ...flat(each.before)]);
  const means = flat(passed).map(({ input, axis, middle = 0 }) => {
    const z = b.op("Sub", [b.cast(b.value(input), "float32"), b.scalar(middle)]);
    const lead = leadOf(b, z, axis);
    const axes = z.dims.map((_, i) => i).filter((i) => i > 0 || z.dims[0] !== images);
    const mean = b.reduce("ReduceMean", lead, axes);
    return b.reshape(mean, [mean.dims[0] as number, 1]);
  });
  const [first, ...others] = means;
  const sum = others.reduce<Value | undefined>((a, m) => a && b.op("Add", [a, m]), first);
  return sum && b.op("Div", [sum, b.scalar(means.length)]);
}
