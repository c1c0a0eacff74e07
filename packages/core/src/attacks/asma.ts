import type { Target } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { ImageTensor } from "../image.ts";
import { defaultIouDefinition, type IouDefinition } from "../metrics/iou.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { StepMetrics } from "../step/step-graph.ts";
import type { IterateArrays, Iterates } from "../step/iterates.ts";
import { StepSession, type StepSessionOptions } from "../step/step-session.ts";
import {
  AttackRun,
  type AttackInput,
  type AttackOptions,
  type AttackResult,
  type AttackStep,
  type StepRecord,
  type StepScale,
  type StopReason,
} from "./attack.ts";
import { BestIterate } from "./best-iterate.ts";
import { checkAttackInput } from "./check-attack-input.ts";
import { explainGradient } from "./explain-gradient.ts";
import { automaticScale, checkStepScale, type StepScaleOptions } from "./step-scale.ts";
import {
  advLibSchedule,
  automaticSchedule,
  paperSchedule,
  referenceSchedule,
  type StepSchedule,
} from "./step-schedule.ts";

/**
 * Which of the paper's attacks: the loss over all target pixels (SSM) or over those not yet at their
 * target (ASM), with a constant step or the dynamic multiplier (DPM). ASMA is ASM with DPM.
 */
export type AsmaVariant = "asma" | "asm" | "ssm" | "ssm+dpm";

/**
 * Whose bookkeeping: `default` is ours; `reference` follows the authors' code (IoU for α measured on
 * the unclipped iterate by a second forward, last iterate, α₀ = τ); `adv_lib` follows adversarial-library
 * (IoU averaged over all classes, first step τ).
 */
export type AsmaFlavour = "default" | "reference" | "adv_lib";

/** Options of {@link prepareAsma}: what the step graph is built for. */
export interface AsmaSessionOptions extends Pick<StepSessionOptions, "outputs" | "upload"> {
  /** @default "asma" */
  readonly variant?: AsmaVariant;
  /** @default "default" */
  readonly flavour?: AsmaFlavour;
  /** @default "foreground" for two classes (the paper's), otherwise "mean-present" */
  readonly iouDefinition?: IouDefinition;
  /**
   * Values per channel of the file the result is for: 256 makes the attack optimise the rounded
   * 8-bit image. `undefined` optimises the float image.
   */
  readonly levels?: number;
  /** Where the step graph will run; the numbers are the same. @default "any" */
  readonly target?: Target;
}

/** Options of {@link asma}. */
export interface AsmaOptions extends AttackOptions, StepScaleOptions {
  /** Weight λ of the distance loss −λ‖x − x₀‖². @default 1 for the flavours, 0 otherwise */
  readonly lambda?: number;
}

/** A step session and the choices it was built for. */
export interface AsmaSession {
  readonly step: StepSession;
  readonly variant: AsmaVariant;
  readonly flavour: AsmaFlavour;
  readonly iouDefinition: IouDefinition;
  readonly levels: number | undefined;
}

/**
 * Builds and loads the step graph of ASMA for a model.
 *
 * @throws UnsupportedOperatorError with every operator that has no gradient rule
 */
export async function prepareAsma(
  model: SegmentationModel,
  options: AsmaSessionOptions = {},
): Promise<AsmaSession> {
  const { variant = "asma", flavour = "default", levels } = options;
  const { classes } = model.description.head;
  if (flavour === "reference" && classes !== 2) {
    throw new AsmaError(
      "ERR_FLAVOUR",
      `The authors' code measures IoU right for two classes only, but this model has ${classes}: use the default flavour.`,
    );
  }
  const iouDefinition =
    options.iouDefinition ?? (flavour === "adv_lib" ? "mean-all" : defaultIouDefinition(classes));
  if (iouDefinition === "foreground" && classes !== 2) {
    throw new AsmaError(
      "ERR_IOU_DEFINITION",
      `'foreground' is the IoU of two classes, but this model has ${classes}: use 'mean-present'.`,
    );
  }
  const mask = variant.startsWith("ssm") ? "static" : "adaptive";
  const step = await StepSession.create(model, {
    mask,
    iou: iouDefinition,
    levels,
    target: options.target,
    outputs: options.outputs,
    upload: options.upload,
  });
  return { step, variant, flavour, iouDefinition, levels };
}

/**
 * The Adaptive Segmentation Mask Attack and its ablations.
 *
 * Moves the image up the gradient of the target-class scores of the pixels that are not yet at their
 * target, with step size α_n = β·IoU(Y, ŷ(x_n)) + τ, until the prediction is the target.
 * Without step sizes, β and τ (or α) are found from the first gradient.
 *
 * @param session made by {@link prepareAsma} for images of this size
 * @param input image float32 [1, C, H, W] in [0, 1]; target labels [h, w] on the output grid
 * @returns the running attack: steps to iterate over, and a result
 * @throws AsmaError before the first step: `ERR_IMAGE_DIMS`, `ERR_IMAGE_RANGE`, `ERR_TARGET_SIZE`,
 *   `ERR_TARGET_CLASS`, `ERR_TARGET_EMPTY`, `ERR_STEP_SIZE`, `ERR_OPTION`; at the first step
 *   `ERR_GRADIENT_ZERO` or `ERR_GRADIENT_NAN`
 * @see Ozbulak, Van Messem, De Neve: Impact of Adversarial Examples on Deep Learning Models for
 *   Biomedical Image Segmentation, MICCAI 2019, arXiv 1907.13124, equations 2 and 4
 */
export function asma(
  session: AsmaSession,
  input: AttackInput,
  options: AsmaOptions = {},
): AttackRun {
  checkAttackInput(session.step.model, input, options);
  checkStepScale(options, isDynamic(session));
  return new AttackRun((resolve) => steps(session, input, options, resolve));
}

/** Whether the variant has the dynamic multiplier. */
function isDynamic({ variant }: AsmaSession): boolean {
  return variant === "asma" || variant === "ssm+dpm";
}

async function* steps(
  session: AsmaSession,
  input: AttackInput,
  options: AsmaOptions,
  resolve: (result: AttackResult) => void,
): AsyncGenerator<AttackStep, void> {
  const start = performance.now();
  const iterates = session.step.iterates(input, options.region);
  try {
    const { scale, schedule, runs } = await startSchedule(session, input, options, iterates);
    yield* climb({ session, input, options, resolve, iterates, scale, schedule, runs, start });
  } finally {
    iterates.release();
  }
}

/** What an attack is made of once its step size is known. */
interface Climb {
  readonly session: AsmaSession;
  readonly input: AttackInput;
  readonly options: AsmaOptions;
  readonly resolve: (result: AttackResult) => void;
  readonly iterates: Iterates;
  readonly scale: StepScale;
  readonly schedule: StepSchedule;
  /** Runs that finding the step size took. */
  readonly runs: number;
  readonly start: number;
}

async function* climb(attack: Climb): AsyncGenerator<AttackStep, void> {
  const { session, input, options, iterates, scale, schedule } = attack;
  const { iterations = 500, iouThreshold = 0.95, pixelAccuracyThreshold = 0 } = options;
  const { earlyStop = true, signal } = options;
  const best = new BestIterate();
  const trajectory: StepRecord[] = [];
  const seen = (data: Float32Array) => seenImage(data, input.image, session.levels);
  const labelled = (data: Int32Array) => ({ data, dims: input.target.dims });
  let { runs } = attack;
  let stopReason: StopReason = "aborted";
  let error: unknown;
  try {
    for (let step = 0; ; step++) {
      const metrics = await iterates.step(schedule.inputs());
      runs += 1;
      if (step === 0) {
        checkGradient(session, options, metrics);
      }
      let unclipped: StepRecord["unclipped"];
      if (session.flavour === "reference") {
        const { iou, l2, linf } = await iterates.measureUnclipped();
        unclipped = { iou, l2, linf };
        runs += 1;
      }
      const record = toRecord(step, metrics, unclipped);
      const reached = record.iou >= iouThreshold && record.pixelAccuracy >= pixelAccuracyThreshold;
      const isBest = best.offer(record, reached);
      if (isBest) {
        iterates.keep();
      }
      trajectory.push(record);
      yield {
        ...record,
        reached,
        isBest,
        image: () => seen(iterates.current().image),
        prediction: () => labelled(iterates.current().prediction),
        readImage: async () => seen(await iterates.readImage()),
        readPrediction: async () => labelled(await iterates.readPrediction()),
      };
      const end = endOf(record, metrics, step === iterations, reached && earlyStop);
      if (end !== undefined || signal?.aborted) {
        stopReason = end ?? "aborted";
        return;
      }
      schedule.advance(record);
      iterates.advance();
    }
  } catch (cause) {
    stopReason = "failed";
    error = cause;
    throw cause;
  } finally {
    const last = trajectory.at(-1);
    const images = last && (await readEnds(iterates, stopReason));
    if (last !== undefined && images !== undefined) {
      const describe = (record: StepRecord, { image, prediction }: IterateArrays) => ({
        ...record,
        image: seen(image),
        prediction: labelled(prediction),
      });
      attack.resolve({
        reached: best.reached,
        stopReason,
        error,
        best: describe(best.record, images.best),
        last: describe(last, images.last),
        trajectory,
        scale: { ...scale, growth: schedule.growth ?? 1 },
        iouDefinition: session.iouDefinition,
        forwards: runs,
        backwards: runs,
        seconds: (performance.now() - attack.start) / 1000,
      });
    }
  }
}

/** The best iterate and the last one; after a failure they may be lost, and its own error counts. */
async function readEnds(iterates: Iterates, stopReason: StopReason) {
  try {
    const [image, prediction] = [await iterates.readImage(), await iterates.readPrediction()];
    return { best: await iterates.readBest(), last: { image, prediction } };
  } catch (cause) {
    if (stopReason === "failed") {
      return undefined;
    }
    throw cause;
  }
}

/** @throws AsmaError `ERR_GRADIENT_NAN`, `ERR_GRADIENT_ZERO` when nothing can be climbed from the start */
function checkGradient(session: AsmaSession, options: AsmaOptions, metrics: StepMetrics): void {
  const { gradientLinf, correctPixels, countedPixels } = metrics;
  if (!isNumber(metrics) || (gradientLinf === 0 && correctPixels < countedPixels)) {
    throw explainGradient(session.step.model, metrics, options.region !== undefined);
  }
}

/** Finds the step size if none is given; what it has to know of the untouched image takes one run. */
async function startSchedule(
  session: AsmaSession,
  input: AttackInput,
  options: AsmaOptions,
  iterates: Iterates,
): Promise<{ scale: StepScale; schedule: StepSchedule; runs: number }> {
  const lambda = options.lambda ?? (session.flavour === "default" ? 0 : 1);
  const isErasing =
    session.flavour === "default" &&
    isDynamic(session) &&
    input.target.data.every((label) => label <= 0);
  const given = givenScale(options);
  let scale = given;
  let erasedFrom: number | undefined;
  let runs = 0;
  if (given === undefined || isErasing) {
    const metrics = await iterates.step({ beta: 0, tau: 0, lambda: 0 });
    runs = 1;
    checkGradient(session, options, metrics);
    scale ??= automaticScale(metrics.gradientL2, input.image.data.length, isDynamic(session));
    erasedFrom = isErasing ? metrics.foregroundPixels : undefined;
  }
  const found = scale as StepScale;
  return { scale: found, schedule: scheduleOf(session, found, lambda, erasedFrom), runs };
}

function scheduleOf(
  session: AsmaSession,
  scale: StepScale,
  lambda: number,
  erasedFrom: number | undefined,
): StepSchedule {
  if (session.flavour === "adv_lib") {
    return advLibSchedule(scale, lambda);
  }
  if (session.flavour === "reference" && isDynamic(session)) {
    return referenceSchedule(scale, lambda);
  }
  return scale.isAutomatic
    ? automaticSchedule(scale, lambda, erasedFrom)
    : paperSchedule(scale, lambda, erasedFrom);
}

function givenScale({ alpha, beta, tau }: AsmaOptions): StepScale | undefined {
  if (alpha !== undefined) {
    return { beta: 0, tau: alpha, isAutomatic: false, growth: 1 };
  }
  return beta === undefined || tau === undefined
    ? undefined
    : { beta, tau, isAutomatic: false, growth: 1 };
}

function toRecord(step: number, m: StepMetrics, unclipped: StepRecord["unclipped"]): StepRecord {
  return {
    step,
    alpha: m.alpha,
    iou: m.iou,
    pixelAccuracy: m.countedPixels === 0 ? 1 : m.correctPixels / m.countedPixels,
    wrongPixels: m.countedPixels - m.correctPixels,
    loss: m.loss,
    l2: m.l2,
    linf: m.linf,
    gradientL2: m.gradientL2,
    ...(unclipped && { unclipped }),
  };
}

function endOf(
  record: StepRecord,
  metrics: StepMetrics,
  isLastStep: boolean,
  isReached: boolean,
): StopReason | undefined {
  if (isReached) {
    return "reached";
  }
  if (isLastStep) {
    return "iterations";
  }
  if (!isNumber(metrics)) {
    return "gradient not a number";
  }
  return metrics.gradientLinf === 0 && record.wrongPixels > 0 ? "gradient vanished" : undefined;
}

/**
 * Whether scores and gradient can be followed. A maximum may pass over NaN, a sum does not; scores that
 * are not numbers count as right in every comparison.
 */
function isNumber({ gradientL2, gradientLinf, scoresNotNumbers }: StepMetrics): boolean {
  return Number.isFinite(gradientL2) && Number.isFinite(gradientLinf) && scoresNotNumbers === 0;
}

/** x_n as the model saw it: rounded to the levels of the file if the attack optimises those. */
function seenImage(
  data: Float32Array,
  { dims }: ImageTensor,
  levels: number | undefined,
): ImageTensor {
  if (levels === undefined) {
    return { data: data.slice(), dims };
  }
  return { data: data.map((v) => Math.round(v * (levels - 1)) / (levels - 1)), dims };
}
