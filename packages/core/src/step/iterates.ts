import type { Runtime } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { AttackInput } from "../attacks/attack.ts";
import type { StepMetrics } from "./step-graph.ts";
import type { BoundDeviceStep, BoundStep, StepInputs } from "./step-session.ts";

type Tensor = InstanceType<Runtime["Tensor"]>;

/** Image and prediction of one iterate; the arrays are the receiver's. */
export interface IterateArrays {
  /** float32 of the image's dims, not rounded. */
  readonly image: Float32Array;
  /** Labels on the output grid. */
  readonly prediction: Int32Array;
}

/**
 * The iterate x_n of a running attack, the one that follows it, and the best so far, wherever the
 * runtime keeps them.
 */
export interface Iterates {
  /** Runs a step from x_n; x_{n+1} and the prediction at x_n are kept until the next. */
  step(inputs: StepInputs): Promise<StepMetrics>;
  /** Metrics at x_{n+1} before it was clipped, by a run of its own after {@link step}. */
  measureUnclipped(): Promise<StepMetrics>;
  /** x_n becomes the best iterate. */
  keep(): void;
  /** x_{n+1} takes the place of x_n. */
  advance(): void;
  /**
   * x_n and the prediction at it, at once.
   *
   * @throws AsmaError `ERR_ON_DEVICE` when they are on the GPU
   */
  current(): IterateArrays;
  readImage(): Promise<Float32Array>;
  readPrediction(): Promise<Int32Array>;
  readBest(): Promise<IterateArrays>;
  release(): void;
}

/** What measures without moving the image. */
const still: StepInputs = { beta: 0, tau: 0, lambda: 0 };

/**
 * Iterates in memory. Everything that a step fills is allocated here, once: an attack of a thousand
 * steps takes the memory of one.
 */
export class HostIterates implements Iterates {
  readonly #run: BoundStep;
  #image: Float32Array;
  #next: Float32Array;
  #unclipped: Float32Array | undefined;
  readonly #prediction: Int32Array;
  readonly #best: IterateArrays;

  constructor(run: BoundStep, { image, target }: AttackInput) {
    this.#run = run;
    this.#image = image.data.slice();
    this.#next = new Float32Array(image.data.length);
    this.#prediction = new Int32Array(target.data.length);
    this.#best = {
      image: new Float32Array(image.data.length),
      prediction: new Int32Array(target.data.length),
    };
  }

  async step(inputs: StepInputs): Promise<StepMetrics> {
    const outputs = await this.#run(this.#image, inputs);
    this.#prediction.set(outputs.prediction);
    this.#next.set(outputs.nextImage);
    this.#unclipped = outputs.unclipped;
    return outputs.metrics;
  }

  async measureUnclipped(): Promise<StepMetrics> {
    // The runtime may write its outputs where these are.
    const unclipped = this.#unclipped?.slice() as Float32Array;
    return (await this.#run(unclipped, still)).metrics;
  }

  keep(): void {
    this.#best.image.set(this.#image);
    this.#best.prediction.set(this.#prediction);
  }

  advance(): void {
    [this.#image, this.#next] = [this.#next, this.#image];
  }

  current(): IterateArrays {
    return { image: this.#image.slice(), prediction: this.#prediction.slice() };
  }

  async readImage(): Promise<Float32Array> {
    return this.#image.slice();
  }

  async readPrediction(): Promise<Int32Array> {
    return this.#prediction.slice();
  }

  async readBest(): Promise<IterateArrays> {
    return { image: this.#best.image.slice(), prediction: this.#best.prediction.slice() };
  }

  release(): void {
    this.#unclipped = undefined;
  }
}

interface BestTensors {
  readonly image: Tensor;
  readonly prediction: Tensor;
}

/** Iterates on the GPU: a step's output is the next one's input, and only what is asked for comes back. */
export class DeviceIterates implements Iterates {
  readonly #run: BoundDeviceStep;
  readonly #fixed: readonly Tensor[];
  #image: Tensor;
  #next: Tensor | undefined;
  #unclipped: Tensor | undefined;
  #prediction: Tensor | undefined;
  #best: BestTensors | undefined;

  /**
   * @param image x_0, in memory or on the GPU
   * @param fixed what the run takes besides, disposed of in the end
   */
  constructor(run: BoundDeviceStep, image: Tensor, fixed: readonly Tensor[]) {
    this.#run = run;
    this.#fixed = fixed;
    this.#image = image;
  }

  async step(inputs: StepInputs): Promise<StepMetrics> {
    const outputs = await this.#run(this.#image, inputs);
    this.#dispose(this.#next, this.#unclipped, this.#prediction);
    this.#next = outputs.nextImage;
    this.#unclipped = outputs.unclipped;
    this.#prediction = outputs.prediction;
    return outputs.metrics;
  }

  async measureUnclipped(): Promise<StepMetrics> {
    const outputs = await this.#run(this.#unclipped as Tensor, still);
    this.#dispose(outputs.nextImage, outputs.unclipped, outputs.prediction);
    return outputs.metrics;
  }

  keep(): void {
    const former = this.#best;
    this.#best = { image: this.#image, prediction: this.#prediction as Tensor };
    this.#dispose(former?.image, former?.prediction);
  }

  advance(): void {
    const former = this.#image;
    this.#image = this.#next as Tensor;
    this.#next = undefined;
    this.#dispose(former);
  }

  current(): never {
    throw new AsmaError(
      "ERR_ON_DEVICE",
      "The image of this step is on the GPU: await readImage() or readPrediction() instead.",
    );
  }

  async readImage(): Promise<Float32Array> {
    return (await read(this.#image)).slice();
  }

  async readPrediction(): Promise<Int32Array> {
    return Int32Array.from(await read(this.#prediction as Tensor));
  }

  async readBest(): Promise<IterateArrays> {
    const { image, prediction } = this.#best as BestTensors;
    return {
      image: (await read(image)).slice(),
      prediction: Int32Array.from(await read(prediction)),
    };
  }

  release(): void {
    const { image, prediction } = this.#best ?? {};
    this.#best = undefined;
    const own = [image, prediction, this.#image, this.#next, this.#unclipped, this.#prediction];
    this.#dispose(...own, ...this.#fixed);
  }

  /** Frees what neither the best iterate nor the current one is. */
  #dispose(...tensors: (Tensor | undefined)[]): void {
    const kept = [this.#best?.image, this.#best?.prediction];
    for (const tensor of new Set(tensors)) {
      if (tensor !== undefined && !kept.includes(tensor) && tensor.location !== "cpu") {
        tensor.dispose();
      }
    }
  }
}

async function read(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.getData()) as Float32Array;
}
