import { AsmaError, type ModelOptions, type Preprocessor } from "@onnx-asma/core";
import { registerAttackFamily } from "@onnx-asma/core/attack-family";
import { checkOptions, modelOptionEntries, optionEntry } from "@onnx-asma/core/check-options";
import {
  withNumbers,
  type NormalisationName,
  type WithNumbers,
} from "@onnx-asma/core/normalisations";
import { LoadedModel } from "./loaded-model.ts";
import {
  toFile,
  toModelFiles,
  toTrainingGraphFiles,
  type FileInput,
  type ModelSource,
  type TrainingGraphSource,
} from "./model-source.ts";
import type { Backend, Device, LoadProgress, LoadRequest } from "./messages.ts";
import { WorkerClient } from "./worker/worker-client.ts";

registerAttackFamily();

/** Options of {@link loadModel}: how the model is understood, and where it is computed. */
export interface LoadModelOptions extends Omit<
  ModelOptions,
  "mean" | "preprocessor" | "trainingGraph"
> {
  /**
   * Subtracted per channel of the model, after `range`; or a name of `normalisations`, which stands for `range`,
   * `mean` and, where it is not given, `std`. @default 0
   */
  readonly mean?: readonly number[] | NormalisationName;
  /**
   * A `preprocessor_config.json`, or what was read from one; the other options come before it. `false`: none.
   * @default the one among the model's files, otherwise beside the model's address (or above it, where the
   *   model lies in a folder `onnx`), if there is one
   */
  readonly preprocessor?: Preprocessor | FileInput | false;
  /**
   * `wasm` runs everywhere; `webgpu` keeps image and gradient on the GPU; `auto` takes WebGPU where
   * the browser has a real GPU for it.
   * @default "auto"
   */
  readonly device?: Device | "auto";
  /** Threads of WebAssembly; more than one needs a cross-origin isolated page. @default the processor's, at most 8 */
  readonly threads?: number;
  /** Gives the gradient instead of our own rules. Predictions stay those of the model itself. */
  readonly trainingGraph?: TrainingGraphSource;
  /** Folder that ONNX Runtime's `.wasm` and `.mjs` files are served from. @default where the bundler put them */
  readonly wasmPaths?: string | URL;
  /** Whether fetched model files are kept in Cache Storage for the next visit. @default false */
  readonly cache?: boolean;
  /** Makes the worker: a module worker of `@onnx-asma/web/worker`, or one of yours that imports it. */
  readonly createWorker?: () => Worker;
  /** Ends loading, and the worker with it; once the model is loaded, `release` does. */
  readonly signal?: AbortSignal;
  /** Told how far loading is. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Told when the device or the threads are not what they could be, and why. */
  readonly onNotice?: (text: string) => void;
}

/**
 * Loads a model in the browser. All work is done in a worker of its own, which
 * {@link LoadedModel.release} ends.
 *
 * @param source address (external data are looked for beside it), file, bytes, or a model with its data files
 * @throws AsmaError `ERR_OPTION`, `ERR_FILE_NOT_FOUND`, `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`, `ERR_IMAGE_INPUT`,
 *   `ERR_PREPROCESSOR`, `ERR_DEVICE`, `ERR_WASM_FILES`, `ERR_OUT_OF_MEMORY`, `ERR_WORKER`, `ERR_ABORTED`
 * @example
 * const model = await loadModel("/model.onnx");
 * const image = await model.readImage(file);
 * const run = await model.attack(image, target);
 * for await (const { step, iou } of run) console.log(step, iou);
 */
export async function loadModel(
  source: ModelSource,
  options: LoadModelOptions = {},
): Promise<LoadedModel> {
  checkOptions(optionEntries, options, "loadModel");
  const {
    createWorker = newWorker,
    signal,
    onProgress,
    onNotice,
    ...others
  } = withNumbers(options);
  const transfer: Transferable[] = [];
  const request = toRequest(source, others, transfer);
  checkNotAborted(signal);
  let current: Backend | undefined;
  const notice = (backend: Backend) => {
    current = backend;
    if (backend.notice !== undefined) {
      onNotice?.(backend.notice);
    }
  };
  const client = new WorkerClient(createWorker(), {
    progress: (progress) => onProgress?.(progress),
    backend: notice,
  });
  const abort = () => client.release();
  signal?.addEventListener("abort", abort);
  try {
    const { backend, input } = await client.call("load", request, transfer);
    notice(backend);
    return new LoadedModel(client, input, () => current ?? backend);
  } catch (error) {
    client.release();
    checkNotAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function checkNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new AsmaError("ERR_ABORTED", "Loading the model was aborted by its `signal`.");
  }
}

function toRequest(
  source: ModelSource,
  options: WithNumbers<
    Omit<LoadModelOptions, "createWorker" | "signal" | "onProgress" | "onNotice">
  >,
  transfer: Transferable[],
): LoadRequest {
  const { device, threads, wasmPaths, cache, trainingGraph, preprocessor, ...rest } = options;
  return {
    ...toModelFiles(source, transfer),
    trainingGraph:
      trainingGraph === undefined ? undefined : toTrainingGraphFiles(trainingGraph, transfer),
    preprocessor:
      preprocessor === undefined || preprocessor === false
        ? preprocessor
        : isParsed(preprocessor)
          ? {
              text: preprocessor.text,
              source: preprocessor.source,
              processorType: preprocessor.processorType,
            }
          : { file: toFile(preprocessor, transfer) },
    options: rest,
    device: device ?? "auto",
    threads,
    wasmPaths: wasmPaths === undefined ? undefined : new URL(wasmPaths, location.href).href,
    cache: cache ?? false,
  };
}

function isParsed(preprocessor: Preprocessor | FileInput): preprocessor is Preprocessor {
  return typeof preprocessor === "object" && "fit" in preprocessor;
}

/** The options that a browser adds, and those that it takes otherwise. */
const optionEntries = {
  ...modelOptionEntries,
  preprocessor: optionEntry("anything", "a file, what parsePreprocessor gave, or false"),
  device: optionEntry(["auto", "wasm", "webgpu"], "one of 'auto', 'wasm', 'webgpu'"),
  threads: optionEntry("whole number", "threads of WebAssembly"),
  wasmPaths: optionEntry("anything", "an address"),
  cache: optionEntry("true or false", "whether files are kept for the next visit"),
  createWorker: optionEntry("anything", "a function that makes the worker"),
  signal: optionEntry("anything", "an AbortSignal"),
  onProgress: optionEntry("anything", "a function"),
  onNotice: optionEntry("anything", "a function"),
} as const satisfies Record<keyof LoadModelOptions, unknown>;

function newWorker(): Worker {
  return new Worker(new URL("./worker/attack-worker.js", import.meta.url), { type: "module" });
}
