import type { Model } from "@onnx-asma/autodiff";
import type { Recipe } from "../attack/recipe.ts";
import { sizeOf, type ImageTensor, type LabelMap, type ScoreMap, type Size } from "../image.ts";
import { AsmaError, refusal } from "../errors.ts";
import { judge } from "../metrics/verdict.ts";
import { describeImageInput, type ImageInput } from "../model/input/image-input.ts";
import type { ModelOptions } from "../model/model-options.ts";
import type { ModelDescription } from "../model/model-description.ts";
import { toLabelMap } from "../ndarray.ts";
import { released } from "../open-session.ts";
import type { AttackResult, AttackStep } from "../run/attack-result.ts";
import type { AttackRun } from "../run/attack-run.ts";
import type { AttackInput, AttackTask } from "../run/attack-task.ts";
import { checkInputs } from "../run/check-inputs.ts";
import {
  runAttack,
  runBatch,
  type BatchResult,
  type BatchStep,
  type OpenTask,
} from "../run/run-attack.ts";
import { defaultThresholds, iouDefinitionOf } from "../run/run-options.ts";
import { StepSession } from "../step/step-session.ts";
import { fitTarget } from "../targets/fit-target.ts";
import { parseChoice, type AttackChoice, type ParsedChoice } from "./attack-choice.ts";
import { copyImage, copyOf } from "./copy-image.ts";
import type { Lease } from "./lease-pool.ts";
import type { ImageLike, LabelsLike, Verification, VerifyOptions } from "./model-handle.ts";
import { doubtsOf, look } from "./look.ts";
import { ModelPool, type SizedModel } from "./model-pool.ts";
import { commonDefinition, goalOf } from "./run-goal.ts";
import type { Host } from "./host.ts";

type Running = AttackRun<AttackStep, AttackResult> | AttackRun<BatchStep, BatchResult>;

/** One model and the sessions that it needs for each size of image: everything of a handle that is no file. */
export class Workbench {
  readonly input: ImageInput;
  readonly model: Model;
  readonly options: ModelOptions;
  readonly #host: Host;
  readonly #pool: ModelPool;
  /** Runs that have begun. */
  readonly #running = new Set<Running>();

  /** @throws AsmaError `ERR_IMAGE_INPUT` when the model takes no image */
  constructor(model: Model, options: ModelOptions, host: Host) {
    this.model = model;
    this.options = options;
    this.input = describeImageInput(model, options);
    this.#host = host;
    this.#pool = new ModelPool(model, options, host);
  }

  /** As `ModelHandle.describe`. */
  async describe(size?: Size): Promise<ModelDescription> {
    return await this.#using(size, async ({ model }) => model.description);
  }

  /** As `ModelHandle.predict`. */
  async predict(image: ImageLike): Promise<LabelMap> {
    const tensor = this.#toImage(image);
    return await this.#using(sizeOf(tensor), (loaded) => look(loaded, tensor, this.#host));
  }

  /** As `ModelHandle.predictScores`. */
  async predictScores(image: ImageLike): Promise<ScoreMap> {
    const tensor = this.#toImage(image);
    return await this.#using(
      sizeOf(tensor),
      async ({ model }) => await model.predictScores(tensor),
    );
  }

  /** As `ModelHandle.attack`. */
  async attack(
    image: ImageLike,
    target: LabelsLike,
    choice: AttackChoice = {},
  ): Promise<AttackRun<AttackStep, AttackResult>> {
    return await this.#start(runAttack, [image], [target], choice);
  }

  /** As `ModelHandle.attackBatch`. */
  async attackBatch(
    images: readonly ImageLike[],
    targets: readonly LabelsLike[],
    choice: AttackChoice = {},
  ): Promise<AttackRun<BatchStep, BatchResult>> {
    return await this.#start(runBatch, images, targets, choice);
  }

  /** As `ModelHandle.verify`, for images that are decoded already. */
  async verify(
    image: ImageLike,
    target: LabelsLike,
    options: VerifyOptions,
  ): Promise<Verification> {
    if (typeof options?.original !== "object") {
      throw new AsmaError(
        "ERR_OPTION",
        "Expected the untouched image as `original` to verify an image but found none.",
      );
    }
    const { targeted = true } = options;
    const thresholds = {
      iou: options.iouThreshold ?? defaultThresholds.iou,
      pixelAccuracy: options.pixelAccuracyThreshold ?? defaultThresholds.pixelAccuracy,
    };
    const tensor = this.#toImage(image);
    const original = this.#toImage(options.original);
    const given = copyOf(toLabelMap(target));
    return await this.#using(sizeOf(tensor), async ({ model }) => {
      const { description } = model;
      const labels = fitTarget(given, description);
      const { classes } = description.head;
      const iouDefinition = iouDefinitionOf(options.iouDefinition, classes, labels);
      const prediction = await model.predict(tensor);
      const verdict = judge({
        prediction,
        target: labels,
        image: tensor,
        original,
        classes,
        iouDefinition,
        before: iouDefinition === "erased" ? await model.predict(original) : undefined,
        targeted,
        thresholds,
      });
      return { ...verdict, iouDefinition, image: tensor, prediction };
    });
  }

  /**
   * Why a model cannot be attacked by gradients, if so: loads the step graph of the default attack and what
   * judges it.
   */
  async gradientProblem(size?: Size): Promise<unknown> {
    const { definition, attackOptions } = parseChoice({}, []);
    return await this.#using(size, async ({ model }) => {
      try {
        const recipe = definition.recipe(attackOptions as never, model.description.head);
        const { target } = this.#host;
        const graph = { iou: "mean-present", target } as const;
        await (await StepSession.create(model, recipe, graph, this.#host)).release();
        await model.open();
        return undefined;
      } catch (error) {
        return error;
      }
    });
  }

  /** As `ModelHandle.release`. */
  async release(): Promise<void> {
    this.#running.forEach((run) => run.fail(released()));
    await this.#pool.close();
  }

  async #using<T>(size: Size | undefined, use: (loaded: SizedModel) => Promise<T>): Promise<T> {
    const lease = await this.#pool.lease(size);
    try {
      return await use(lease.value);
    } finally {
      lease.done();
    }
  }

  #toImage(image: ImageLike): ImageTensor {
    return copyImage(image, this.input);
  }

  /** Checks everything and loads the step graph; the run leases it again when it begins. */
  async #start<Run extends Running>(
    start: (open: OpenTask) => Run,
    images: readonly ImageLike[],
    targets: readonly LabelsLike[],
    choice: AttackChoice,
  ): Promise<Run> {
    if (!Array.isArray(images) || !Array.isArray(targets) || images.length !== targets.length) {
      throw new AsmaError(
        "ERR_BATCH",
        "Expected a list of images and a list of as many targets but found others.",
      );
    }
    const tensors = images.map((image) => this.#toImage(image));
    const labels = targets.map(toLabelMap);
    const parsed = parseChoice(choice, tensors);
    const { region, signal } = choice;
    if (region !== undefined && !ArrayBuffer.isView(region)) {
      throw refusal("ERR_REGION", {
        expected: "a Float32Array of 1 where the image may change and 0 elsewhere as `region`",
        found: `found ${region === null ? "null" : typeof region}`,
      });
    }
    const inputs = tensors.map((image, i) => ({
      image,
      target: labels[i] && copyOf(labels[i]),
      region: region?.slice(),
    })) as readonly AttackInput[];
    (await this.#open(parsed, inputs)).onEnd?.();
    const run: Run = start(async () => {
      const task = await this.#open(parsed, inputs, { signal });
      this.#running.add(run);
      const onEnd = () => {
        this.#running.delete(run);
        task.onEnd?.();
      };
      return { ...task, onEnd };
    });
    return run;
  }

  async #open(
    { definition, attackOptions, run, notices }: ParsedChoice,
    given: readonly AttackInput[],
    begun?: Pick<AttackChoice, "signal">,
  ): Promise<AttackTask> {
    const leases: Lease<unknown>[] = [];
    const onEnd = () => leases.forEach((lease) => lease.done());
    const hold = <T>(lease: Lease<T>): T => {
      leases.push(lease);
      return lease.value;
    };
    try {
      const [first] = given;
      if (first === undefined) {
        throw new AsmaError("ERR_BATCH", "Expected at least one image to attack but found none.");
      }
      const size = sizeOf(first.image);
      const loaded = hold(await this.#pool.lease(size, given.length));
      const judging = given.length === 1 ? loaded : hold(await this.#pool.lease(size));
      const { model } = loaded;
      const { classNames, head } = model.description;
      const inputs = checkInputs(model, given);
      definition.check?.(attackOptions as never, { classes: head.classes, classNames });
      const options = { ...run, iouDefinition: commonDefinition(run.iouDefinition, model, inputs) };
      const recipe = definition.recipe(attackOptions as never, head);
      const step = hold(
        await this.#leaseStep(loaded, recipe, inputs, { definition, attackOptions, options }),
      );
      await loaded.check?.gradient(inputs[0] as AttackInput);
      const doubts = begun ? await doubtsOf(judging, first.image, this.#host) : [];
      return {
        step,
        recipe,
        definition,
        attackOptions,
        options,
        goal: goalOf(definition, attackOptions, options),
        notices: [...notices, ...doubts],
        inputs,
        judge: judging.model,
        signal: begun?.signal,
        onEnd,
      };
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  async #leaseStep(
    { model, steps }: SizedModel,
    recipe: Recipe,
    inputs: readonly AttackInput[],
    {
      definition,
      attackOptions,
      options,
    }: Pick<AttackTask, "definition" | "attackOptions" | "options">,
  ): Promise<Lease<StepSession>> {
    const graph = {
      iou: options.iouDefinition,
      targeted: options.targeted,
      levels: options.levels === "float" ? undefined : options.levels,
      hasRegion: inputs.some(({ region }) => region !== undefined),
      target: this.#host.target,
    };
    const shaping = definition.graph.map((key) => attackOptions[key] ?? null);
    const key = JSON.stringify([definition.name, shaping, graph]);
    return await steps.lease(key, async () => {
      this.#host.onBuild?.();
      return await StepSession.create(model, recipe, graph, this.#host);
    });
  }
}
