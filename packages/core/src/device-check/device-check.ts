import type { SessionOptions } from "@onnx-asma/autodiff";
import { defineRecipe } from "../attack/recipe.ts";
import { AsmaError } from "../errors.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import { targetScores } from "../loss/target-scores.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { AttackInput } from "../run/attack-task.ts";
import { firstNumbers } from "../step/append-inputs.ts";
import { Iterates } from "../step/iterates.ts";
import { StepSession } from "../step/step-session.ts";
import type { CheckedHost, DeviceChecker, Processor } from "../workbench/processor.ts";

/** Share of the pixels that rounding may draw otherwise, beside one of them. */
const differingPixels = 1e-3;
/** Largest difference of two gradients over the gradient itself: kinks that rounding passes stay below 1e-2. */
const differingGradient = 5e-2;

/** One step along the gradient of the target's scores, of all pixels that are not there yet. */
const probe = defineRecipe({
  state: {},
  numbers: ["length"],
  step: (c) => {
    const loss = targetScores(c, c.wrong);
    return { x: c.ops.add(c.x, c.ops.mul(c.gradientOf(loss), c.n.length)), loss };
  },
  schedule: () => ({ next: () => ({ length: 1 }) }),
});

/**
 * The processor with these session options, for a device to be compared with: kernels of a provider can be
 * wrong, and a wrong attack makes a weak model look safe.
 */
export function comparedWith(sessionOptions: SessionOptions): Processor {
  return { sessionOptions, check: (...parts) => new DeviceCheck(...parts) };
}

class DeviceCheck implements DeviceChecker {
  readonly #model: SegmentationModel;
  readonly #host: CheckedHost;
  readonly #loadOnProcessor: () => Promise<SegmentationModel>;
  #hasPredicted = false;
  #hasStepped = false;

  constructor(
    model: SegmentationModel,
    host: CheckedHost,
    loadOnProcessor: () => Promise<SegmentationModel>,
  ) {
    this.#model = model;
    this.#host = host;
    this.#loadOnProcessor = loadOnProcessor;
  }

  async prediction(image: ImageTensor, found: LabelMap): Promise<void> {
    if (this.#hasPredicted) {
      return;
    }
    await this.#onProcessor(async (model) => {
      const expected = await model.predict(image);
      const count = expected.data.filter((label, i) => label !== found.data[i]).length;
      if (count > 1 + differingPixels * expected.data.length) {
        throw wrongNumbers(`${count} of ${expected.data.length} pixels are drawn otherwise`);
      }
    });
    this.#hasPredicted = true;
  }

  async gradient(input: AttackInput): Promise<void> {
    if (this.#hasStepped) {
      return;
    }
    await this.#onProcessor(async (processor) => {
      const expected = await gradientOn(processor, { outputs: "fresh", target: "cpu" }, input);
      const found = await gradientOn(this.#model, this.#host, input);
      const difference = relativeDifference(expected, found);
      if (!(difference <= differingGradient)) {
        throw wrongNumbers(
          `the gradient differs by ${(100 * difference).toFixed(0)} % of its length`,
        );
      }
    });
    this.#hasStepped = true;
  }

  async #onProcessor(task: (model: SegmentationModel) => Promise<void>): Promise<void> {
    const model = await this.#loadOnProcessor();
    try {
      await task(model);
    } finally {
      await model.release();
    }
  }
}

/** The gradient of the first image. */
async function gradientOn(
  model: SegmentationModel,
  host: CheckedHost,
  { image, target }: AttackInput,
): Promise<Float32Array> {
  const step = await StepSession.create(
    model,
    probe,
    { iou: "mean-present", target: host.target },
    host,
  );
  const repeat = (data: ArrayLike<number>) => {
    const all = new Float32Array(model.batch * data.length);
    for (let i = 0; i < model.batch; i++) {
      all.set(data, i * data.length);
    }
    return all;
  };
  let iterates: Iterates | undefined;
  try {
    iterates = new Iterates(step, {
      original: repeat(image.data),
      image: repeat(image.data),
      labels: repeat(target.data),
      region: undefined,
      state: {},
    });
    const numbers = { ...firstNumbers, length: 1 };
    await iterates.step(Array.from({ length: model.batch }, () => numbers));
    iterates.advance();
    return (await iterates.readImage(0)).map((v, i) => v - (image.data[i] as number));
  } finally {
    iterates?.release();
    await step.release();
  }
}

/** ‖a − b‖₂ / ‖a‖₂; 0 where both are 0. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  let [apart, length] = [0, 0];
  a.forEach((value, i) => {
    apart += (value - (b[i] as number)) ** 2;
    length += value ** 2;
  });
  return apart === 0 ? 0 : Math.sqrt(apart / length);
}

function wrongNumbers(found: string): AsmaError {
  return new AsmaError(
    "ERR_DEVICE_NUMBERS",
    `The device computes other numbers than the processor (${found}): compute on the processor.`,
  );
}
