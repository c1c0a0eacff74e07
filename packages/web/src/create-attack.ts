import type {
  AsmaError,
  AsmaOptions,
  AsmaSessionOptions,
  ImageInput,
  ImageTensor,
  LabelMap,
  ModelDescription,
  ModelOptions,
  Size,
} from "@onnx-asma/core";
import { startRun, type WebAttackRun } from "./attack-run.ts";
import { copyToSend } from "./copy-in-slices.ts";
import { toPixelSource, type ImageSource } from "./images/to-pixel-source.ts";
import { toModelFiles, type ModelSource } from "./model-source.ts";
import { RunQueue } from "./run-queue.ts";
import type { Backend, Device, LoadProgress, Verification } from "./worker/messages.ts";
import { WorkerClient } from "./worker/worker-client.ts";

/** Options of {@link createAttack}: how the model is understood, which attack is built, and where. */
export interface CreateAttackOptions
  extends Omit<ModelOptions, "trainingGraph">, Omit<AsmaSessionOptions, "outputs" | "upload"> {
  /**
   * `wasm` runs everywhere; `webgpu` keeps image and gradient on the GPU; `auto` takes WebGPU where
   * the browser has a real GPU for it.
   * @default "auto"
   */
  readonly device?: Device | "auto";
  /** Threads of WebAssembly; more than one needs a cross-origin isolated page. @default the processor's, at most 8 */
  readonly threads?: number;
  /** Folder that ONNX Runtime's `.wasm` and `.mjs` files are served from. @default where the bundler put them */
  readonly wasmPaths?: string | URL;
  /** Whether fetched model files are kept in Cache Storage for the next visit. @default false */
  readonly cache?: boolean;
  /** Makes the worker, where the bundler does not find it: a module worker of `dist/worker/attack-worker.js`. */
  readonly createWorker?: () => Worker;
  /** Told how far loading is. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Told when the device or the threads are not what they could be, and why. */
  readonly onNotice?: (text: string) => void;
}

/** Options of {@link Attack.run}. */
export interface RunAttackOptions extends Omit<AsmaOptions, "signal"> {
  /** Stops the attack within one step; the best so far is kept. A run that still waits never starts. */
  readonly signal?: AbortSignal | { readonly aborted: boolean };
}

/** Options of {@link Attack.verify}. */
export interface VerifyOptions {
  /** The untouched image, which the norms are taken from. */
  readonly original: ImageTensor;
  /** @default 0.95 */
  readonly iouThreshold?: number;
  /** @default 0 */
  readonly pixelAccuracyThreshold?: number;
}

/**
 * Loads a model for attacks in the browser. All work is done in a worker of its own, which
 * {@link Attack.release} ends.
 *
 * @param model address (external data are looked for beside it), file, bytes, or a model with its data files
 * @throws AsmaError `ERR_FILE_NOT_FOUND`, `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`, `ERR_IMAGE_INPUT`,
 *   `ERR_DEVICE`, `ERR_WASM_FILES`, `ERR_OUT_OF_MEMORY`, `ERR_WORKER`
 * @example
 * const attack = await createAttack("/model.onnx");
 * const image = await attack.readImage(file);
 * const run = await attack.run(image, target);
 * for await (const { step, iou } of run) console.log(step, iou);
 */
export async function createAttack(
  model: ModelSource,
  options: CreateAttackOptions = {},
): Promise<Attack> {
  const { device, threads, wasmPaths, cache, createWorker, onProgress, onNotice, ...rest } =
    options;
  const { files, transfer } = toModelFiles(model);
  let attack: Attack | undefined;
  const client = new WorkerClient((createWorker ?? newWorker)(), {
    progress: (progress) => onProgress?.(progress),
    backend: (backend) => {
      if (attack !== undefined) {
        attack.backend = backend;
      }
      onNotice?.(backend.notice ?? "");
    },
  });
  try {
    const request = {
      ...files,
      options: rest,
      device: device ?? ("auto" as const),
      threads,
      wasmPaths: wasmPaths === undefined ? undefined : new URL(wasmPaths, location.href).href,
      cache: cache ?? false,
    };
    const { backend, input } = await client.call("load", request, transfer);
    attack = new Attack(client, backend, input);
    if (backend.notice !== undefined) {
      onNotice?.(backend.notice);
    }
    return attack;
  } catch (error) {
    client.release();
    throw error;
  }
}

/** A model ready to be attacked. Sessions are built for the size of the first image and kept for it. */
export class Attack {
  /** What computes the steps; changes when WebGPU turns out not to work for this model. */
  backend: Backend;
  /** The image input as the model declares it. */
  readonly input: ImageInput;
  readonly #client: WorkerClient;
  readonly #queue = new RunQueue();
  #runs = 0;

  /** Made by {@link createAttack}. */
  constructor(client: WorkerClient, backend: Backend, input: ImageInput) {
    this.#client = client;
    this.backend = backend;
    this.input = input;
  }

  /** What ended the worker, if it has ended: then only another attack helps. */
  get failure(): AsmaError | undefined {
    return this.#client.end;
  }

  /** Height and width (of volumes depth, height, width) of the model's input; `undefined` where any size will do. */
  get imageSize(): Size | undefined {
    const { size } = this.input;
    return size.includes(undefined) ? undefined : (size as readonly number[] as Size);
  }

  /**
   * Reads an image with the channels that the model takes.
   *
   * @throws AsmaError ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_ALPHA, ERR_IMAGE_CHANNELS
   */
  async readImage(source: ImageSource): Promise<ImageTensor> {
    const pixels = await toPixelSource(source);
    const isOurs = pixels instanceof ImageBitmap;
    return await this.#client.call("readImage", { pixels }, isOurs ? [pixels] : []);
  }

  /** What the model was taken to mean for images of a size; without one, of its own input size. */
  async describe(size?: Size): Promise<ModelDescription> {
    return await this.#client.call("describe", { size });
  }

  /** What the untouched model predicts for an image, on its output grid. */
  async predict(image: ImageTensor): Promise<LabelMap> {
    const { copy, buffer } = await copyToSend(image, "the image");
    return await this.#client.call("predict", { image: copy }, [buffer]);
  }

  /**
   * Starts an attack. One runs at a time: another waits until this one has ended. The next step is
   * computed when it is asked for, so that not asking is pausing.
   *
   * @param target labels of the output grid's size or of the image's
   * @returns the run; what does not fit is said at its first step, see `asma`
   */
  async run(
    image: ImageTensor,
    target: LabelMap,
    options: RunAttackOptions = {},
  ): Promise<WebAttackRun> {
    const { signal, ...rest } = options;
    this.#runs += 1;
    return startRun({
      client: this.#client,
      queue: this.#queue,
      id: this.#runs,
      image,
      target,
      options: rest,
      signal,
    });
  }

  /** The bytes of `encodePng`, made in the worker: large images take a while. */
  async encode(image: ImageTensor): Promise<Uint8Array> {
    const { copy, buffer } = await copyToSend(image, "the image");
    return await this.#client.call("encode", { image: copy }, [buffer]);
  }

  /**
   * Judges the bytes of an adversarial PNG: they are decoded as they are, without a canvas, and run
   * through the untouched model.
   *
   * @param target labels of the output grid's size or of the image's
   */
  async verify(
    png: Uint8Array,
    target: LabelMap,
    { original, iouThreshold = 0.95, pixelAccuracyThreshold = 0 }: VerifyOptions,
  ): Promise<Verification> {
    const thresholds = { iou: iouThreshold, pixelAccuracy: pixelAccuracyThreshold };
    const [from, to] = [
      await copyToSend(original, "the original"),
      await copyToSend(target, "the target"),
    ];
    return await this.#client.call(
      "verify",
      { png, original: from.copy, target: to.copy, thresholds },
      [from.buffer, to.buffer],
    );
  }

  /** Ends the worker and all that runs in it. */
  async release(): Promise<void> {
    this.#client.release();
  }
}

function newWorker(): Worker {
  return new Worker(new URL("./worker/attack-worker.js", import.meta.url), { type: "module" });
}
