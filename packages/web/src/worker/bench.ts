import type { Model } from "@onnx-asma/autodiff";
import {
  Workbench,
  type ClassList,
  type Host,
  type ModelOptions,
  type Preprocessor,
  type TrainingGraphOptions,
} from "@onnx-asma/core";
import { comparedWith } from "@onnx-asma/core/device-check";
import { doubtInput } from "@onnx-asma/core/input-check";
import type { HostRecord } from "@onnx-asma/core/result-record";
import { trainingGraphFrom } from "@onnx-asma/core/training-graph";
import type { LoadedRuntime } from "./load-runtime.ts";
import type { Backend, LoadRequest } from "../messages.ts";
import type { ReadCompanion } from "./read-companions.ts";

/** Everything that was read for a model. */
export interface ReadModel {
  readonly model: Model;
  readonly trainingGraph: TrainingGraphOptions | undefined;
  readonly preprocessor: Preprocessor | undefined;
  /** The file that it was read from, if it was. */
  readonly preprocessorFile: ReadCompanion | undefined;
  readonly classList: ClassList | undefined;
}

/** A model on one device. */
export class Bench {
  readonly workbench: Workbench;
  readonly backend: Backend;
  /** Runs that stand on it. */
  runs = 0;
  readonly #loaded: LoadedRuntime;
  #isRetired = false;

  /** @param onBuild told when a step graph is built */
  constructor(
    loaded: LoadedRuntime,
    { model, trainingGraph, preprocessor, classList }: ReadModel,
    given: LoadRequest["options"],
    onBuild: () => void,
  ) {
    const { target, ...host } = hostOf(loaded, given);
    const options: ModelOptions = {
      classList,
      ...given,
      preprocessor,
      trainingGraph: trainingGraph && trainingGraphFrom({ ...trainingGraph, target }),
    };
    this.#loaded = loaded;
    this.backend = loaded.backend;
    this.workbench = new Workbench(model, options, { ...host, target, doubt: doubtInput, onBuild });
  }

  /** What computes, for records. */
  get host(): HostRecord {
    return {
      kind: "web",
      version: navigator.userAgent,
      runtime: { name: "onnxruntime-web", version: this.#loaded.version },
      executionProviders: [this.backend.device],
      threads: this.backend.threads,
    };
  }

  /** Why the GPU was lost, where something failed on it for that. */
  async lossOfDevice(): Promise<string | undefined> {
    return await this.#loaded.gpu?.lossNow();
  }

  /** Gives its memory back once no run stands on it: to be called again when one has ended. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await this.releaseIfIdle();
  }

  /** What {@link retire} waited for. */
  async releaseIfIdle(): Promise<void> {
    if (this.#isRetired && this.runs === 0) {
      await this.workbench.release();
      await this.#loaded.gpu?.release();
    }
  }
}

function hostOf(
  { runtime, backend, gpu }: LoadedRuntime,
  { sessionOptions: given }: LoadRequest["options"],
): Host {
  const sessionOptions = { executionProviders: [backend.device], ...given };
  return gpu === undefined
    ? // Graphs for WebAssembly are those for a processor.
      { runtime, sessionOptions, target: "cpu", outputs: "fresh" }
    : {
        runtime,
        sessionOptions,
        target: "any",
        outputs: "gpu-buffer",
        upload: (tensor) => gpu.upload(tensor),
        processor: comparedWith({ ...sessionOptions, executionProviders: ["wasm"] }),
      };
}
