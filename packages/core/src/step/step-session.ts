import { writeModel, type Runtime, type Session } from "@onnx-asma/autodiff";
import type { AttackInput } from "../attacks/attack.ts";
import { countOf, type ImageTensor, type LabelMap } from "../image.ts";
import { openSession } from "../open-session.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { DeviceIterates, HostIterates, type Iterates } from "./iterates.ts";
import {
  buildStepGraph,
  metricNames,
  type StepGraphOptions,
  type StepMetrics,
} from "./step-graph.ts";

type Tensor = InstanceType<Runtime["Tensor"]>;

const outputNames = ["next_image", "unclipped", "prediction", "metrics"] as const;
type Outputs = Readonly<Record<(typeof outputNames)[number], Tensor>>;

/**
 * Where a step's outputs go: into arrays that are allocated once (`reused`, what onnxruntime-node can
 * write to), into arrays that the runtime makes for each step (`fresh`, onnxruntime-web on the CPU), or
 * they stay on the GPU (`gpu-buffer`, onnxruntime-web on WebGPU), all but the metrics.
 */
export type OutputPlace = "reused" | "fresh" | "gpu-buffer";

/** Options of {@link StepSession.create}. */
export interface StepSessionOptions extends StepGraphOptions {
  /** @default "reused" */
  readonly outputs?: OutputPlace | undefined;
  /**
   * Puts a tensor where `outputs` are, for what stays the same in all steps (original, target, region);
   * it is disposed of with the attack. @default fed from memory at every step
   */
  readonly upload?: ((tensor: Tensor) => Tensor) | undefined;
}

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

/** As {@link StepOutputs} with tensors on the GPU, for the caller to dispose of. */
export interface DeviceStepOutputs {
  readonly metrics: StepMetrics;
  readonly nextImage: Tensor;
  readonly unclipped: Tensor;
  readonly prediction: Tensor;
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
  readonly #place: OutputPlace;
  readonly #upload: (tensor: Tensor) => Tensor;
  readonly #fetches: Outputs | undefined;

  private constructor(
    model: SegmentationModel,
    session: Session,
    build: StepBuild,
    { outputs: place = "reused", upload = (tensor) => tensor }: StepSessionOptions,
  ) {
    this.model = model;
    this.build = build;
    this.#session = session;
    this.#Tensor = model.runtime.Tensor;
    this.#place = place;
    this.#upload = upload;
    if (place !== "reused") {
      return;
    }
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
  static async create(model: SegmentationModel, options: StepSessionOptions): Promise<StepSession> {
    const start = performance.now();
    const graph = buildStepGraph(model, options);
    const written = writeModel(graph.model, "reference");
    const built = performance.now();
    const { runtime, options: modelOptions } = model;
    const sessionOptions =
      options.outputs === "gpu-buffer"
        ? { ...modelOptions.sessionOptions, preferredOutputLocation: onGpu }
        : modelOptions.sessionOptions;
    const session = await openSession(runtime, written, sessionOptions, "the step graph");
    const build = {
      graphBytes: written.bytes.length,
      nodes: graph.model.graph.node.length,
      differentiateSeconds: (built - start) / 1000,
      loadSeconds: (performance.now() - built) / 1000,
    };
    return new StepSession(model, session, build, options);
  }

  /** Starts an attack: x_0 and what comes of it, kept where the outputs go. */
  iterates(input: AttackInput, region?: Float32Array): Iterates {
    const { image, target } = input;
    if (this.#place !== "gpu-buffer") {
      return new HostIterates(this.begin(image, target, region), input);
    }
    const { run, fixed } = this.#bind(image, target, region);
    return new DeviceIterates(
      async (x, inputs) => {
        const { metrics, ...outputs } = await run(x, inputs);
        const result = {
          metrics: toMetrics(metrics),
          nextImage: outputs.next_image,
          unclipped: outputs.unclipped,
          prediction: outputs.prediction,
        };
        metrics.dispose();
        return result;
      },
      new this.#Tensor("float32", image.data, image.dims),
      Object.values(fixed),
    );
  }

  /** As {@link iterates} for single steps on arrays in memory. */
  begin(original: ImageTensor, target: LabelMap, region?: Float32Array): BoundStep {
    const { run } = this.#bind(original, target, region);
    return async (image, inputs) => {
      const outputs = await run(new this.#Tensor("float32", image, this.model.imageDims), inputs);
      const floats = (name: keyof Outputs) => outputs[name].data as Float32Array;
      return {
        metrics: toMetrics(outputs.metrics),
        nextImage: floats("next_image"),
        unclipped: floats("unclipped"),
        prediction: floats("prediction"),
      };
    };
  }

  /** The tensors that stay the same in all steps of an attack, and a run with the others. */
  #bind(original: ImageTensor, target: LabelMap, region: Float32Array | undefined) {
    this.model.checkImage(original);
    const { imageDims } = this.model;
    const tensor = (data: Float32Array, dims: readonly number[]) =>
      new this.#Tensor("float32", data, dims);
    const size = this.model.description.preprocessing.imageSize;
    const everywhere = () => new Float32Array(countOf(size)).fill(1);
    const fixed = {
      "attack/original": this.#upload(tensor(original.data, imageDims)),
      "attack/target": this.#upload(tensor(Float32Array.from(target.data), [1, 1, ...target.dims])),
      "attack/region": this.#upload(tensor(region ?? everywhere(), [1, 1, ...size])),
    };
    const run = async (image: Tensor, inputs: StepInputs): Promise<Outputs> => {
      const scalar = (value: number) => tensor(Float32Array.of(value), []);
      const feeds = {
        ...fixed,
        "attack/image": image,
        "attack/beta": scalar(inputs.beta),
        "attack/tau": scalar(inputs.tau),
        "attack/lambda": scalar(inputs.lambda),
        "attack/erasing": scalar(inputs.erasedFrom === undefined ? 0 : 1),
        "attack/erased_from": scalar(Math.max(1, inputs.erasedFrom ?? 1)),
      };
      if (this.#fetches !== undefined) {
        await this.#session.run(feeds, this.#fetches);
        return this.#fetches;
      }
      return (await this.#session.run(feeds, outputNames)) as unknown as Outputs;
    };
    return { run, fixed };
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

/** As {@link BoundStep} from a tensor that may be on the GPU. */
export type BoundDeviceStep = (image: Tensor, inputs: StepInputs) => Promise<DeviceStepOutputs>;

/** All outputs stay on the GPU but the few numbers that the loop decides by. */
const onGpu = {
  next_image: "gpu-buffer",
  unclipped: "gpu-buffer",
  prediction: "gpu-buffer",
  metrics: "cpu",
} as const;

function toMetrics(tensor: Tensor): StepMetrics {
  const scalars = tensor.data as Float32Array;
  return Object.fromEntries(
    metricNames.map((name, i) => [name, scalars[i] as number]),
  ) as StepMetrics;
}
