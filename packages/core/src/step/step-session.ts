import { writeModel, type Runtime } from "@onnx-asma/autodiff";
import type { Recipe } from "../attack/recipe.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { openSession, type LeasedSession } from "../open-session.ts";
import { buildMeasuringGraph, type MeasuringGraph } from "./measuring-graph.ts";
import { buildStepGraph, type StepGraph, type StepGraphOptions } from "./step-graph.ts";

/** A tensor of the runtime. */
export type Tensor = InstanceType<Runtime["Tensor"]>;

/**
 * Where a step's outputs go: into arrays that are allocated once (`reused`, what onnxruntime-node can
 * write to), into arrays that the runtime makes for each step (`fresh`, onnxruntime-web on the CPU), or
 * they stay on the GPU (`gpu-buffer`, onnxruntime-web on WebGPU), all but the metrics.
 */
export type OutputPlace = "reused" | "fresh" | "gpu-buffer";

/** How a host runs steps. */
export interface StepHost {
  /** @default "reused" */
  readonly outputs?: OutputPlace | undefined;
  /**
   * Puts a tensor where `outputs` are, for what stays the same in all steps (original, labels, region);
   * it is disposed of with the run. @default fed from memory at every step
   */
  readonly upload?: ((tensor: Tensor) => Tensor) | undefined;
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

/** A loaded step graph: one `run` is one iteration. Any number of runs may share it. */
export class StepSession {
  readonly model: SegmentationModel;
  readonly graph: StepGraph;
  readonly build: StepBuild;
  readonly host: StepHost;
  readonly session: LeasedSession;
  /** For recipes that have an image measured after the step. */
  readonly measuring:
    | { readonly graph: MeasuringGraph; readonly session: LeasedSession }
    | undefined;

  private constructor(parts: Omit<StepSession, "release">) {
    this.model = parts.model;
    this.graph = parts.graph;
    this.build = parts.build;
    this.host = parts.host;
    this.session = parts.session;
    this.measuring = parts.measuring;
  }

  /** Builds the step graph of a model and loads it. */
  static async create(
    model: SegmentationModel,
    recipe: Recipe,
    options: StepGraphOptions,
    host: StepHost = {},
  ): Promise<StepSession> {
    const { runtime } = model;
    const { sessionOptions } = model.options;
    const start = performance.now();
    const graph = buildStepGraph(model, recipe, options);
    const written = writeModel(graph.graph.model, "reference");
    const built = performance.now();
    const { outputs } = graph;
    const onGpu = [outputs.image, outputs.seen, outputs.prediction, outputs.measure]
      .concat(Object.values(outputs.state))
      .flatMap((name) => (name === undefined ? [] : [[name, "gpu-buffer"] as const]));
    const session = await openSession(
      runtime,
      written,
      host.outputs === "gpu-buffer"
        ? {
            ...sessionOptions,
            preferredOutputLocation: { ...Object.fromEntries(onGpu), [outputs.metrics]: "cpu" },
          }
        : sessionOptions,
      "the step graph",
    );
    const build = {
      graphBytes: written.bytes.length,
      nodes: graph.graph.model.graph.node.length,
      differentiateSeconds: (built - start) / 1000,
      loadSeconds: (performance.now() - built) / 1000,
    };
    try {
      const measuring =
        outputs.measure === undefined ? undefined : await openMeasuring(model, options);
      return new StepSession({ model, graph, build, host, session, measuring });
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Releases the runtime's sessions, once no step is under way. */
  async release(): Promise<void> {
    await Promise.all([this.session.release(), this.measuring?.session.release()]);
  }
}

async function openMeasuring(model: SegmentationModel, options: StepGraphOptions) {
  const graph = buildMeasuringGraph(model, options);
  const written = writeModel(graph.graph.model, "reference");
  const { sessionOptions } = model.options;
  const session = await openSession(model.runtime, written, sessionOptions, "the measuring graph");
  return { graph, session };
}
