import type { ImageTensor, LabelMap } from "../image.ts";
import { isIntegerImage } from "../model/input/integer-image.ts";
import { readModelMetadata } from "../model/model-metadata.ts";
import { option } from "../model/option.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { normalisations, type Normalisation } from "../normalisations.ts";
import { predictionRemark } from "../targets/describe-prediction.ts";
import { biasImbalances } from "./bias-imbalance.ts";
import { doubtValues } from "./doubt-values.ts";

/** Biases that leave less than this have balanced what came in. */
const leastImbalance = 0.4;
/** Another normalisation has to leave this part of the imbalance at most. */
const mostOfIt = 0.4;

/** What was found of a model for one size, from the first image that it saw. */
const found = new WeakMap<SegmentationModel, Promise<string | undefined>>();

/**
 * What speaks against the way in which a model is fed an image: `mean` or `std` made for other values, a prediction
 * of one class only, and first layers whose biases balance another of the usual {@link normalisations} (see
 * {@link biasImbalances}; looked at once for a model and a size, and only where the model's own files do not say
 * how images are brought to it). It warns where the biases leave at least 0.4, and another normalisation leaves
 * at most 0.4 of that. A network trained without batch normalisation gives no such sign.
 */
export async function doubtInput(
  model: SegmentationModel,
  image: ImageTensor,
  prediction: LabelMap,
): Promise<readonly string[]> {
  const { preprocessing, classNames } = model.description;
  let layers = found.get(model);
  if (layers === undefined) {
    layers = doubtOfLayers(model, image).catch(
      (error: unknown) =>
        `Whether the model is given the values that it is made for could not be looked at: ${(error as Error).message}`,
    );
    found.set(model, layers);
  }
  const doubts = [
    doubtValues(preprocessing),
    await layers,
    predictionRemark(prediction, classNames),
  ];
  return doubts.filter((doubt) => doubt !== undefined);
}

async function doubtOfLayers(
  model: SegmentationModel,
  image: ImageTensor,
): Promise<string | undefined> {
  const { preprocessing, input, channels } = model.description;
  if (isSaid(model) || isIntegerImage(input.dtype) || model.trainingGraph !== undefined) {
    return undefined;
  }
  const others = Object.entries<Normalisation>(normalisations).filter(
    ([, { mean = [] }]) => mean.length <= 1 || mean.length === channels,
  );
  const usual = others.map(([, normalisation]) => normalisation);
  const imbalances: number[] = [];
  for await (const imbalance of biasImbalances(model, image, [preprocessing, ...usual])) {
    if (imbalances.length === 0 && !((imbalance ?? 0) >= leastImbalance)) {
      return undefined;
    }
    imbalances.push(imbalance ?? Number.POSITIVE_INFINITY);
  }
  const [now = 0, ...rest] = imbalances;
  const least = Math.min(...rest);
  if (least > mostOfIt * now) {
    return undefined;
  }
  const [name, { range, mean }] = others[rest.indexOf(least)] as (typeof others)[number];
  const isAlone = mean === undefined && preprocessing.mean.length + preprocessing.std.length === 0;
  const better = isAlone ? option("range", range) : option("mean", name);
  return `The model seems to be made for other values than it is given: the biases of its first layers should cancel what comes in, but leave ${share(now)} of it, and ${share(least)} with ${better}. See how it was trained, and say ${better}, or what fits it, with ${option("range")}, ${option("mean")} and ${option("std")}.`;
}

/** Whether the model's own files say how images are brought to it, and nobody else says otherwise. */
function isSaid({ options, original }: SegmentationModel): boolean {
  const { range, mean, std, preprocessor } = options;
  const own = readModelMetadata(original);
  const isGiven = [range, mean, std].some(Boolean);
  return !isGiven && (preprocessor !== undefined || [own.range, own.mean, own.std].some(Boolean));
}

function share(imbalance: number): string {
  return `${Math.round(100 * imbalance)} %`;
}
