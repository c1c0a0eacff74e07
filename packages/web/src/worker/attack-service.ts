import {
  AsmaError,
  isAsmaError,
  sizeOf,
  toImageTensor,
  type AttackChoice,
  type ImageLike,
} from "@onnx-asma/core";
import { registerAttackFamily } from "@onnx-asma/core/attack-family";
import { classListOf } from "@onnx-asma/core/preprocessor";
import { encodeImage, type ImageShape } from "@onnx-asma/core/png";
import { decodeFile, decodeImage, decodeMaskFile } from "../images/decode-image.ts";
import { resultFiles, type ModelSources } from "@onnx-asma/core/result-record";
import { Bench, type ReadModel } from "./bench.ts";
import { loadRuntime } from "./load-runtime.ts";
import type { Backend, LoadProgress, LoadRequest, RequestName, Requests } from "../messages.ts";
import { readModelFiles } from "./read-model-files.ts";
import { readCompanions } from "./read-companions.ts";
import { recordModel, recordSources } from "./record-sources.ts";
import { ServedRun, stepGone } from "./served-run.ts";

registerAttackFamily();

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

interface Loaded {
  readonly request: LoadRequest;
  readonly read: ReadModel;
  bench: Bench;
  /** Hashed when they are first asked for. */
  sources?: ModelSources;
}

interface OpenRun {
  readonly run: ServedRun;
  readonly bench: Bench;
  readonly signal: { aborted: boolean };
}

/** Codes of errors that another device may not have. */
const codesOfRuntime: ReadonlySet<unknown> = new Set([
  "ERR_SESSION",
  "ERR_RUNTIME",
  "ERR_DEVICE_NUMBERS",
]);

/** The attacks on one model: everything that the worker does. */
export class AttackService implements Handlers {
  readonly #events: ServiceEvents;
  readonly #runs = new Map<number, OpenRun>();
  #begun = 0;
  #loaded: Loaded | undefined;

  constructor(events: ServiceEvents) {
    this.#events = events;
  }

  readonly load = async (request: LoadRequest): Promise<Requests["load"]["result"]> => {
    const [read, runtime] = await Promise.all([this.#read(request), this.#loadRuntime(request)]);
    const bench = this.#benchOf(runtime, read, request);
    this.#loaded = { request, read, bench };
    return { backend: bench.backend, input: bench.workbench.input };
  };

  readonly describe = async ({ size }: Requests["describe"]["params"]) =>
    await this.#onDevice(({ workbench }) => workbench.describe(size));

  readonly readImage = async ({ pixels }: Requests["readImage"]["params"]) =>
    await decodeImage(pixels, this.#shape);

  readonly predict = async ({ image }: Requests["predict"]["params"]) =>
    await this.#onDevice(({ workbench }) => workbench.predict(image));

  readonly readMask = async ({ file, options }: Requests["readMask"]["params"]) =>
    await decodeMaskFile(file, options, this.#shape);

  readonly predictScores = async ({ image }: Requests["predictScores"]["params"]) =>
    await this.#onDevice(({ workbench }) => workbench.predictScores(image));

  readonly encode = async ({
    image,
  }: Requests["encode"]["params"]): Promise<Requests["encode"]["result"]> =>
    encodeImage(toImageTensor(image, this.#shape.spatialAxes ?? 2));

  readonly verify = async ({ file, target, options }: Requests["verify"]["params"]) => {
    const image: ImageLike =
      file instanceof Uint8Array ? await decodeFile(file, this.#shape) : file;
    return await this.#onDevice(({ workbench }) => workbench.verify(image, target, options));
  };

  readonly resultFiles = async (
    attack: Requests["resultFiles"]["params"],
  ): Promise<Requests["resultFiles"]["result"]> => {
    const loaded = this.#model;
    loaded.sources ??= await recordModel(loaded.read);
    const { sources, image } = attack;
    const { host, workbench } = loaded.bench;
    const files = await resultFiles(
      {
        ...attack,
        description: await this.describe({ size: sizeOf(image) }),
        sources: await recordSources(loaded.sources, sources),
        host,
        feeds: workbench.options.feeds,
      },
      async (file, target, options) => await this.verify({ file, target, options }),
    );
    return [...files];
  };

  readonly begin = async ({ images, targets, choice, isBatch }: Requests["begin"]["params"]) => {
    const signal = { aborted: false };
    const heeding: AttackChoice = { ...choice, signal };
    const open = await this.#onDevice(async (bench) => {
      const { workbench } = bench;
      const run = isBatch
        ? ServedRun.ofBatch(await workbench.attackBatch(images, targets, heeding))
        : ServedRun.ofOne(
            await workbench.attack(
              images[0] as ImageLike,
              targets[0] as (typeof targets)[0],
              heeding,
            ),
          );
      return { run, bench, signal };
    });
    const run = ++this.#begun;
    open.bench.runs += 1;
    this.#runs.set(run, open);
    return { run };
  };

  readonly next = async ({ run }: Requests["next"]["params"]) => {
    let isOver = true;
    try {
      const next = await this.#runOf(run).next();
      isOver = "endings" in next;
      return next;
    } finally {
      if (isOver) {
        await this.#forget(run);
      }
    }
  };

  readonly image = async ({ run, step, index }: Requests["image"]["params"]) =>
    await this.#stepOf(run, step, index).image();

  readonly prediction = async ({ run, step, index }: Requests["prediction"]["params"]) =>
    await this.#stepOf(run, step, index).prediction();

  readonly end = async ({ run }: Requests["end"]["params"]) => {
    try {
      return { endings: await this.#runs.get(run)?.run.end() };
    } finally {
      await this.#forget(run);
    }
  };

  readonly abort = async ({ run }: Requests["abort"]["params"]) => {
    const open = this.#runs.get(run);
    if (open !== undefined) {
      open.signal.aborted = true;
    }
    return undefined;
  };

  /** The reason behind what the runtime threw, if there is one: what fails on a lost GPU has many words. */
  async reasonOf(error: unknown): Promise<unknown> {
    const isOfRuntime = isAsmaError(error) && codesOfRuntime.has(error.code);
    const loss = isOfRuntime ? await this.#loaded?.bench.lossOfDevice() : undefined;
    return loss === undefined ? error : lossOf(loss, error);
  }

  get #model(): Loaded {
    if (this.#loaded === undefined) {
      throw new AsmaError("ERR_WORKER", "Expected a model to be loaded first but there is none.");
    }
    return this.#loaded;
  }

  get #shape(): ImageShape {
    const { channels, size } = this.#model.bench.workbench.input;
    return { channels, spatialAxes: size.length === 3 ? 3 : 2 };
  }

  #runOf(id: number): ServedRun {
    const open = this.#runs.get(id);
    if (open === undefined) {
      throw new AsmaError("ERR_RUN_ENDED", "This run has ended: start another.");
    }
    return open.run;
  }

  #stepOf(run: number, step: number, index: number) {
    const open = this.#runs.get(run);
    if (open === undefined) {
      throw stepGone(step);
    }
    return open.run.stepOf(step, index);
  }

  async #forget(run: number): Promise<void> {
    const open = this.#runs.get(run);
    if (open !== undefined) {
      this.#runs.delete(run);
      open.bench.runs -= 1;
      await open.bench.releaseIfIdle();
    }
  }

  async #loadRuntime(request: Parameters<typeof loadRuntime>[0]) {
    this.#events.progress({ phase: "runtime" });
    return await loadRuntime(request, (reason) => this.#events.lost(lossOf(reason)));
  }

  async #read(request: LoadRequest): Promise<ReadModel> {
    const { trainingGraph, cache } = request;
    const companions = readCompanions(request, { cache });
    // Its failure counts after that of the model.
    companions.catch(() => undefined);
    const model = await readModelFiles(request, {
      cache,
      onProgress: (loaded, total) =>
        this.#events.progress({ phase: "model", loaded, ...(total !== undefined && { total }) }),
    });
    const { preprocessor, preprocessorFile, classList } = await companions;
    const read = {
      model,
      trainingGraph: undefined,
      preprocessor,
      preprocessorFile,
      classList: classListOf(model) ?? classList,
    };
    if (trainingGraph === undefined) {
      return read;
    }
    const { model: file, externalData, ...names } = trainingGraph;
    const graph = await readModelFiles({ model: file, externalData }, { cache });
    return { ...read, trainingGraph: { ...names, model: graph } };
  }

  #benchOf(
    runtime: Awaited<ReturnType<typeof loadRuntime>>,
    read: ReadModel,
    { options }: LoadRequest,
  ): Bench {
    return new Bench(runtime, read, options, () => this.#events.progress({ phase: "graph" }));
  }

  /** Where the device was ours to choose, what fails on the GPU is tried on WebAssembly. */
  async #onDevice<T>(task: (bench: Bench) => Promise<T>): Promise<T> {
    const { bench, request } = this.#model;
    try {
      return await task(bench);
    } catch (cause) {
      const isOfRuntime = isAsmaError(cause) && codesOfRuntime.has(cause.code);
      if (request.device !== "auto" || bench.backend.device !== "webgpu" || !isOfRuntime) {
        throw cause;
      }
      return await task(await this.#fallBack(cause.message));
    }
  }

  /** Takes WebAssembly from now on; runs that are under way end where they are. */
  async #fallBack(reason: string): Promise<Bench> {
    const { bench: former, read, request } = this.#model;
    const loaded = await this.#loadRuntime({ ...request, device: "wasm" });
    const notice = `On WebAssembly, since WebGPU failed: ${reason}`;
    const backend = { ...loaded.backend, notice };
    const bench = this.#benchOf({ ...loaded, backend }, read, request);
    this.#model.bench = bench;
    await former.retire().catch(() => undefined);
    this.#events.backend(backend);
    return bench;
  }
}

function lossOf(reason: string, cause?: unknown): AsmaError {
  const { partial } = (cause ?? {}) as Partial<AsmaError>;
  return new AsmaError("ERR_DEVICE_LOST", `device lost: ${reason}.`, { cause, partial });
}
