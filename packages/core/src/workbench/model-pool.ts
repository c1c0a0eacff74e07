import type { Model } from "@onnx-asma/autodiff";
import type { Size } from "../image.ts";
import type { ModelOptions } from "../model/model-options.ts";
import { SegmentationModel } from "../model/segmentation-model.ts";
import type { StepSession } from "../step/step-session.ts";
import type { DeviceChecker } from "./processor.ts";
import { LeasePool, type Lease } from "./lease-pool.ts";
import type { Host } from "./host.ts";

/** A model for images of one size, with the step graphs that were loaded for it. */
export interface SizedModel {
  readonly model: SegmentationModel;
  readonly steps: LeasePool<StepSession>;
  /** The image of the last prediction, and what was doubtful about that. */
  seen: { readonly data: Float32Array; readonly notices: readonly string[] } | undefined;
  /** Where a device computes that is not believed. */
  readonly check: DeviceChecker | undefined;
}

/** The model for each size and batch that is asked for. */
export class ModelPool {
  readonly #model: Model;
  readonly #options: ModelOptions;
  readonly #host: Host;
  readonly #pool = new LeasePool<SizedModel>(async ({ model, steps }) => {
    await steps.close();
    await model.release();
  });

  constructor(model: Model, options: ModelOptions, host: Host) {
    this.#model = model;
    this.#options = options;
    this.#host = host;
  }

  /**
   * A share in the model for a size.
   *
   * @param size without one, the last that was asked for, or the model's own
   */
  async lease(size: Size | undefined, batch = 1): Promise<Lease<SizedModel>> {
    const key = size === undefined ? (this.#pool.latest ?? "own") : keyOf(size, batch);
    return await this.#pool.lease(key, async () => await this.#load(size, batch));
  }

  /** As `LeasePool.close`. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #load(size: Size | undefined, batch: number): Promise<SizedModel> {
    const { runtime, sessionOptions, processor } = this.#host;
    const load = async (options: ModelOptions["sessionOptions"]) =>
      await SegmentationModel.load(runtime, this.#model, size, {
        ...this.#options,
        sessionOptions: options,
        batch,
      });
    const model = await load(sessionOptions);
    return {
      model,
      seen: undefined,
      steps: new LeasePool<StepSession>(async (step) => await step.release()),
      check: processor?.check(model, this.#host, async () => await load(processor.sessionOptions)),
    };
  }
}

function keyOf(size: Size, batch: number): string {
  // Whatever a caller without types gives is checked when it is loaded.
  return `${[size].flat().join("×")} ×${batch}`;
}
