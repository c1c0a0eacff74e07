import { writeModel, type Runtime, type Session } from "@onnx-asma/autodiff";
import { countOf, type ImageTensor, type LabelMap } from "../image.ts";
import { openSession } from "../open-session.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import {
  buildStepGraph,
  metricNames,
  type StepGraphOptions,
  type StepMetrics,
} from "./step-graph.ts";

type Tensor = InstanceType<Runtime["Tensor"]>;
type Fetches = Record<"next_image" | "unclipped" | "prediction" | "metrics", Tensor>;

/** What one step is given besides the image it moves. */
export interface StepInputs {
  readonly beta: number;
  readonly tau: number;
  readonly lambda: number;
  /** Foreground pixels of the first prediction when the target is empty, otherwise `undefined`. */
  readonly erasedFrom?: number | undefined;
}

/** What one step gives back. The arrays belong to the session and hold until its next run. */
export interface StepOutputs {
  readonly metrics: StepMetrics;
  readonly nextImage: Float32Array;
  readonly unclipped: Float32Array;
  readonly prediction: Float32Array;
}

/** Size and time of building a step graph. */
export interface StepBuild {
  /** Bytes of the graph without weights. */
  readonly graphBytes: number;
  readonly nodes: number;
  /** Seconds to differentiate and write the graph. */
  readonly differentiateSeconds: number;
  /** Seconds the runtime took to load it. */
  readonly loadSeconds: number;
}

/**
 * A loaded step graph: one `run` is one iteration. Buffers are allocated once and reused, so that
 * thousands of iterations take the memory of one.
 */
export class StepSession {
  readonly model: SegmentationModel;
  readonly build: StepBuild;
  readonly #session: Session;
  readonly #Tensor: Runtime["Tensor"];
  readonly #fetches: Fetches;

  private constructor(model: SegmentationModel, session: Session, build: StepBuild) {
    this.model = model;
    this.build = build;
    this.#session = session;
    this.#Tensor = model.runtime.Tensor;
    const { imageDims } = model;
    const allocate = (dims: readonly number[]) =>
      new this.#Tensor("float32", new Float32Array(countOf(dims)), dims);
    this.#fetches = {
      next_image: allocate(imageDims),
      unclipped: allocate(imageDims),
      prediction: allocate([1, 1, ...model.description.head.size]),
      metrics: allocate([metricNames.length]),
    };
  }

  /** Builds the step graph of a model and loads it. */
  static async create(model: SegmentationModel, options: StepGraphOptions): Promise<StepSession> {
    const start = performance.now();
    const graph = buildStepGraph(model, options);
    const written = writeModel(graph.model, "reference");
    const built = performance.now();
    const { runtime, options: modelOptions } = model;
    const session = await openSession(
      runtime,
      written,
      modelOptions.sessionOptions,
      "the step graph",
    );
    return new StepSession(model, session, {
      graphBytes: written.bytes.length,
      nodes: graph.model.graph.node.length,
      differentiateSeconds: (built - start) / 1000,
      loadSeconds: (performance.now() - built) / 1000,
    });
  }

  /** Starts an attack on one image: the tensors that stay the same in all its steps. */
  begin(original: ImageTensor, target: LabelMap, region?: Float32Array): BoundStep {
    this.model.checkImage(original);
    const { imageDims } = this.model;
    const tensor = (data: Float32Array, dims: readonly number[]) =>
      new this.#Tensor("float32", data, dims);
    const size = this.model.description.preprocessing.imageSize;
    const fixed = {
      "attack/original": tensor(original.data, imageDims),
      "attack/target": tensor(Float32Array.from(target.data), [1, 1, ...target.dims]),
      "attack/region": tensor(region ?? new Float32Array(countOf(size)).fill(1), [1, 1, ...size]),
    };
    return async (image, inputs) => {
      const scalar = (value: number) => tensor(Float32Array.of(value), []);
      await this.#session.run(
        {
          ...fixed,
          "attack/image": tensor(image, imageDims),
          "attack/beta": scalar(inputs.beta),
          "attack/tau": scalar(inputs.tau),
          "attack/lambda": scalar(inputs.lambda),
          "attack/erasing": scalar(inputs.erasedFrom === undefined ? 0 : 1),
          "attack/erased_from": scalar(Math.max(1, inputs.erasedFrom ?? 1)),
        },
        this.#fetches,
      );
      const floats = (name: keyof Fetches) => this.#fetches[name].data as Float32Array;
      const scalars = floats("metrics");
      return {
        metrics: Object.fromEntries(
          metricNames.map((name, i) => [name, scalars[i] as number]),
        ) as StepMetrics,
        nextImage: floats("next_image"),
        unclipped: floats("unclipped"),
        prediction: floats("prediction"),
      };
    };
  }

  /** Releases the runtime's session. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Runs one step from `image`, which is read, not changed.
 *
 * @param image float32 values of the session's image dims
 */
export type BoundStep = (image: Float32Array, inputs: StepInputs) => Promise<StepOutputs>;
