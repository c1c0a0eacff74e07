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
import { meanLead, temperActivation } from "./output/temper-activation.ts";

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
      const weight = each.middle !== undefined ? temperActivation(b, upstream, each) : upstream;
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
