import type { Model, Target } from "@onnx-asma/autodiff";
import {
  asma,
  AsmaError,
  describeImageInput,
  fitTarget,
  judge,
  prepareAsma,
  sameSize,
  SegmentationModel,
  sizeOf,
  type AsmaSession,
  type AttackResult,
  type AttackStep,
  type ImageTensor,
  type LabelMap,
  type ModelOptions,
  type Size,
  type TrainingGraphOptions,
} from "@onnx-asma/core";
import { encodeNpy } from "@onnx-asma/core/npy";
import { encodePng, type ImageShape } from "@onnx-asma/core/png";
import { decodeFile, decodeImage } from "../images/decode-image.ts";
import { DeviceCheck } from "./device-check.ts";
import { GpuDevice } from "./gpu-device.ts";
import { readModelFiles } from "./read-model-files.ts";
import { loadRuntime, type LoadedRuntime } from "./load-runtime.ts";
import type { Backend, LoadProgress, LoadRequest, RequestName, Requests } from "./messages.ts";

/** What the service tells without being asked. */
export interface ServiceEvents {
  progress(progress: LoadProgress): void;
  backend(backend: Backend): void;
  lost(error: unknown): void;
}

/** What answers each request. */
export type Handlers = {
  [Name in RequestName]: (params: Requests[Name]["params"]) => Promise<Requests[Name]["result"]>;
};

interface Prepared {
  readonly size: Size;
  readonly model: SegmentationModel;
  /** On a GPU only. */
  readonly check: DeviceCheck | undefined;
  session: AsmaSession | undefined;
}

interface Run {
  readonly id: number;
  readonly steps: AsyncGenerator<AttackStep, void>;
  readonly result: Promise<AttackResult>;
  readonly signal: { aborted: boolean };
  step: AttackStep | undefined;
}

/** The attack on one model: everything that the worker does. */
export class AttackService implements Handlers {
  readonly #events: ServiceEvents;
  #request: LoadRequest | undefined;
  #loaded: LoadedRuntime | undefined;
  #model: Model | undefined;
  #trainingGraph: TrainingGraphOptions | undefined;
  #prepared: Prepared | undefined;
  #run: Run | undefined;
  #gpu: GpuDevice | undefined;

  constructor(events: ServiceEvents) {
    this.#events = events;
  }

  readonly load = async (request: LoadRequest): Promise<Requests["load"]["result"]> => {
    this.#request = request;
    await Promise.all([this.#readFiles(request), this.#loadRuntime(request)]);
    const { backend } = this.#loaded as LoadedRuntime;
    return { backend, input: describeImageInput(this.#model as Model, request.options) };
  };

  readonly describe = async ({ size }: Requests["describe"]["params"]) =>
    (await this.#prepare(size)).model.description;

  readonly readImage = async ({ pixels }: Requests["readImage"]["params"]) =>
    await decodeImage(pixels, this.#shape);

  readonly predict = async ({ image }: Requests["predict"]["params"]) => await this.#predict(image);

  readonly encode = async ({ image }: Requests["encode"]["params"]) => {
    const { channels, spatialAxes } = this.#shape;
    const isPicture = spatialAxes === 2 && (channels === 1 || channels === 3);
    return isPicture ? encodePng(image) : encodeNpy(image, "the image");
  };

  readonly verify = async ({
    file,
    original,
    target,
    thresholds,
  }: Requests["verify"]["params"]) => {
    const image = await decodeFile(file, this.#shape);
    const prediction = await this.#predict(image);
    const { description } = (await this.#prepare(sizeOf(image))).model;
    const verdict = judge({
      prediction,
      target: fitTarget(target, description),
      image,
      original,
      classes: description.head.classes,
      iouDefinition: this.#request?.options.iouDefinition,
      thresholds,
    });
    return { ...verdict, image, prediction };
  };

  readonly begin = async ({ run, image, target, options }: Requests["begin"]["params"]) => {
    await this.#endRun();
    const size = sizeOf(image);
    const { session, input } = await this.#withFallback(async () => {
      const prepared = await this.#prepareSession(size);
      const fitted = { image, target: fitTarget(target, prepared.model.description) };
      await prepared.check?.step(prepared.session.step, fitted);
      return { session: prepared.session, input: fitted };
    });
    const signal = { aborted: false };
    const attack = asma(session, input, { ...options, signal });
    const steps = attack[Symbol.asyncIterator]();
    this.#run = { id: run, steps, result: attack.result, signal, step: undefined };
    return { build: session.step.build };
  };

  readonly next = async ({ run }: Requests["next"]["params"]) => {
    const current = this.#runOf(run);
    const start = performance.now();
    const { done, value } = await current.steps.next();
    if (done) {
      this.#run = undefined;
      return { result: toPlain(await current.result) };
    }
    current.step = value;
    const { image: _1, prediction: _2, readImage: _3, readPrediction: _4, ...numbers } = value;
    return { step: { ...numbers, milliseconds: performance.now() - start } };
  };

  readonly image = async ({ run, step }: Requests["image"]["params"]) =>
    await this.#stepOf(run, step).readImage();

  readonly prediction = async ({ run, step }: Requests["prediction"]["params"]) =>
    await this.#stepOf(run, step).readPrediction();

  readonly end = async ({ run }: Requests["end"]["params"]) => {
    const current = this.#run;
    if (current?.id !== run) {
      return { result: undefined };
    }
    await this.#endRun();
    // Without a step there is nothing that could be a result.
    return {
      result: current.step === undefined ? undefined : toPlain(await current.result),
    };
  };

  readonly abort = async ({ run }: Requests["abort"]["params"]) => {
    if (this.#run?.id === run) {
      this.#run.signal.aborted = true;
    }
    return undefined;
  };

  get #shape(): ImageShape {
    const input = describeImageInput(this.#model as Model, this.#request?.options);
    return { channels: input.channels, spatialAxes: input.size.length === 3 ? 3 : 2 };
  }

  async #predict(image: ImageTensor): Promise<LabelMap> {
    return await this.#withFallback(async () => {
      const { model, check } = await this.#prepare(sizeOf(image));
      const prediction = await model.predict(image);
      await check?.prediction(image, prediction);
      return prediction;
    });
  }

  async #endRun(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await run?.steps.return();
  }

  #runOf(id: number): Run {
    if (this.#run?.id !== id) {
      throw new AsmaError("ERR_RUN_ENDED", "This run has ended: start another.");
    }
    return this.#run;
  }

  #stepOf(run: number, step: number): AttackStep {
    const current = this.#runOf(run).step;
    if (current?.step !== step) {
      throw new AsmaError(
        "ERR_STEP_GONE",
        `The images of step ${step} are gone: ask for them before the next step.`,
      );
    }
    return current;
  }

  async #loadRuntime(request: LoadRequest): Promise<void> {
    this.#events.progress({ phase: "runtime" });
    this.#loaded = await loadRuntime(request);
  }

  async #readFiles({ trainingGraph, cache, ...files }: LoadRequest): Promise<void> {
    this.#model = await readModelFiles(files, {
      cache,
      onProgress: (loaded, total) =>
        this.#events.progress({ phase: "model", loaded, ...(total !== undefined && { total }) }),
    });
    if (trainingGraph !== undefined) {
      const { model, externalData, ...names } = trainingGraph;
      const read = await readModelFiles({ model, externalData }, { cache });
      this.#trainingGraph = { ...names, model: read };
    }
  }

  async #prepare(size: Size | undefined): Promise<Prepared> {
    const known = this.#prepared;
    if (known !== undefined && (size === undefined || sameSize(size, known.size))) {
      return known;
    }
    await this.#releaseSessions();
    const model = await this.#loadModel(size, this.#sessionOptions);
    const { imageSize } = model.description.preprocessing;
    const onProcessor = { ...this.#sessionOptions, executionProviders: ["wasm"] };
    const check =
      (this.#loaded as LoadedRuntime).backend.device === "wasm"
        ? undefined
        : new DeviceCheck(
            async () => await this.#loadModel(imageSize, onProcessor),
            this.#request?.options,
          );
    this.#prepared = { size: imageSize, model, check, session: undefined };
    return this.#prepared;
  }

  async #loadModel(
    size: Size | undefined,
    sessionOptions: ModelOptions["sessionOptions"],
  ): Promise<SegmentationModel> {
    const { runtime } = this.#loaded as LoadedRuntime;
    return await SegmentationModel.load(runtime, this.#model as Model, size, {
      ...this.#request?.options,
      trainingGraph: this.#trainingGraph && { ...this.#trainingGraph, target: this.#target },
      sessionOptions,
    });
  }

  async #prepareSession(size: Size): Promise<Prepared & { readonly session: AsmaSession }> {
    const prepared = await this.#prepare(size);
    const loaded = this.#loaded as LoadedRuntime;
    const { device } = loaded.backend;
    if (prepared.session === undefined) {
      this.#events.progress({ phase: "graph" });
      prepared.session = await prepareAsma(prepared.model, {
        target: this.#target,
        ...this.#request?.options,
        ...(device === "webgpu"
          ? { outputs: "gpu-buffer", upload: (tensor) => (this.#gpu as GpuDevice).upload(tensor) }
          : { outputs: "fresh" }),
      });
    }
    if (device === "webgpu") {
      this.#gpu ??= await GpuDevice.open(loaded, (reason) =>
        this.#events.lost(new AsmaError("ERR_DEVICE_LOST", `device lost: ${reason}.`)),
      );
    }
    return { ...prepared, session: prepared.session };
  }

  /** Graphs for WebAssembly are those for a processor. */
  get #target(): Target {
    return (this.#loaded as LoadedRuntime).backend.device === "wasm" ? "cpu" : "any";
  }

  get #sessionOptions() {
    const { device } = (this.#loaded as LoadedRuntime).backend;
    return { executionProviders: [device], ...this.#request?.options.sessionOptions };
  }

  /** Where the device was ours to choose, what fails on the GPU is tried on WebAssembly. */
  async #withFallback<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (cause) {
      const request = this.#request as LoadRequest;
      const { code } = cause as { code?: unknown };
      const isOfRuntime =
        code === "ERR_SESSION" || code === "ERR_DEVICE_NUMBERS" || code === undefined;
      if (request.device !== "auto" || this.#loaded?.backend.device !== "webgpu" || !isOfRuntime) {
        throw cause;
      }
      await this.#releaseSessions();
      await this.#loadRuntime({ ...request, device: "wasm" });
      const { runtime, backend } = this.#loaded as LoadedRuntime;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const notice = `On WebAssembly, since WebGPU failed: ${reason}`;
      this.#loaded = { runtime, backend: { ...backend, notice } };
      this.#events.backend(this.#loaded.backend);
      return await task();
    }
  }

  async #releaseSessions(): Promise<void> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    this.#gpu?.release();
    this.#gpu = undefined;
    await prepared?.session?.step.release();
    await prepared?.model.release();
  }
}

/** A result as it can be cloned: the error as text. */
function toPlain(result: AttackResult): AttackResult {
  const { error, ...rest } = result;
  return error === undefined
    ? rest
    : { ...rest, error: error instanceof Error ? error.message : String(error) };
}
