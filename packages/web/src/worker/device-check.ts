import {
  AsmaError,
  checkAttackInput,
  prepareAsma,
  type AsmaSessionOptions,
  type AttackInput,
  type ImageTensor,
  type LabelMap,
  type SegmentationModel,
  type StepSession,
} from "@onnx-asma/core";

/** Share of the pixels that rounding may draw otherwise, beside one of them. */
const differingPixels = 1e-3;
/** Largest difference of two first steps over the step itself: kinks that rounding passes stay below 1e-2. */
const differingStep = 5e-2;

/**
 * Compares what a GPU computes with the processor, once for a model and a size: kernels of a provider can
 * be wrong, and a wrong attack makes a weak model look safe.
 */
export class DeviceCheck {
  readonly #loadOnProcessor: () => Promise<SegmentationModel>;
  readonly #options: AsmaSessionOptions | undefined;
  #hasPredicted = false;
  #hasStepped = false;

  /**
   * @param loadOnProcessor the model, for sessions of the processor
   * @param options those of the attack
   */
  constructor(
    loadOnProcessor: () => Promise<SegmentationModel>,
    options: AsmaSessionOptions | undefined,
  ) {
    this.#loadOnProcessor = loadOnProcessor;
    this.#options = options;
  }

  /** @throws AsmaError `ERR_DEVICE_NUMBERS` when the processor draws something else */
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

  /**
   * @throws AsmaError `ERR_DEVICE_NUMBERS` when the processor takes another first step; as `checkAttackInput`
   *   for input that does not fit
   */
  async step(step: StepSession, input: AttackInput): Promise<void> {
    if (this.#hasStepped) {
      return;
    }
    checkAttackInput(step.model, input, {});
    await this.#onProcessor(async (model) => {
      const options = { ...this.#options, target: "any", outputs: "fresh" } as const;
      const { step: processor } = await prepareAsma(model, options);
      try {
        const gradient = await measureGradient(processor, input);
        if (gradient > 0) {
          const tau = 0.1 / gradient;
          const [expected, found] = [
            await firstStep(processor, input, tau),
            await firstStep(step, input, tau),
          ];
          const difference = relativeDifference(input.image.data, expected, found);
          if (!(difference <= differingStep)) {
            throw wrongNumbers(
              `the first step differs by ${(100 * difference).toFixed(0)} % of its length`,
            );
          }
        }
      } finally {
        await processor.release();
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

/** Largest gradient of a value of the image. */
async function measureGradient(step: StepSession, input: AttackInput): Promise<number> {
  const iterates = step.iterates(input);
  try {
    return (await iterates.step({ beta: 0, tau: 0, lambda: 0 })).gradientLinf;
  } finally {
    iterates.release();
  }
}

async function firstStep(
  step: StepSession,
  input: AttackInput,
  tau: number,
): Promise<Float32Array> {
  const iterates = step.iterates(input);
  try {
    await iterates.step({ beta: 0, tau, lambda: 0 });
    iterates.advance();
    return await iterates.readImage();
  } finally {
    iterates.release();
  }
}

/** ‖a − b‖₂ / ‖a − origin‖₂ */
function relativeDifference(origin: Float32Array, a: Float32Array, b: Float32Array): number {
  let [apart, length] = [0, 0];
  a.forEach((value, i) => {
    apart += (value - (b[i] as number)) ** 2;
    length += (value - (origin[i] as number)) ** 2;
  });
  return Math.sqrt(apart / length);
}

function wrongNumbers(found: string): AsmaError {
  return new AsmaError(
    "ERR_DEVICE_NUMBERS",
    `WebGPU computes other numbers than the processor (${found}): take the device 'wasm'.`,
  );
}
