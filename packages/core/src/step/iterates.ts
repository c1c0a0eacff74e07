import { countOf } from "../image.ts";
import { commonNumbers, mapValues } from "./append-inputs.ts";
import { KeptIterates, type IterateArrays, type Slot } from "./kept-iterates.ts";
import { measuredNames } from "./measuring-graph.ts";
import { metricNames, type MetricName } from "./step-graph.ts";
import { readTensor, sliceOf } from "./read-tensor.ts";
import type { StepSession, Tensor } from "./step-session.ts";

/** What a step came to for one image. */
export interface StepMetrics extends Readonly<Record<MetricName, number>> {
  readonly logs: Readonly<Record<string, number>>;
}

/** What {@link Iterates} begin with; all for N images, one after the other. */
export interface IteratesStart {
  /** float32 [N, C, …size] */
  readonly original: Float32Array;
  /** float32 [N, C, …size]; the first iterate. */
  readonly image: Float32Array;
  /** [N, …grid], −1 ignored. */
  readonly labels: Float32Array;
  /** [N, …size]: 1 where the image may change, else 0. */
  readonly region: Float32Array | undefined;
  /** What each state tensor is filled with, by name. */
  readonly state: Readonly<Record<string, number>>;
}

/** Numbers of one image for one step, by name. */
export type StepNumbers = Readonly<Record<string, number>>;

interface Outputs {
  readonly image: Tensor;
  readonly seen: Tensor | undefined;
  readonly prediction: Tensor;
  readonly metrics: Tensor;
  readonly measure: Tensor | undefined;
  readonly state: Readonly<Record<string, Tensor>>;
}

/**
 * The iterates x_n of a running attack on N images, with its state and what was kept of them, wherever
 * the runtime has them. A step's outputs are the next one's inputs: nothing is copied.
 */
export class Iterates {
  readonly #session: StepSession;
  readonly #fixed: Readonly<Record<string, Tensor>>;
  readonly #images: number;
  readonly #kept: KeptIterates;
  #image: Tensor;
  #state: Readonly<Record<string, Tensor>>;
  #outputs: Outputs | undefined;
  /** Where the next step's outputs go; `undefined` where the runtime makes them. */
  #spare: Outputs | undefined;

  constructor(session: StepSession, start: IteratesStart) {
    const { model, graph, host } = session;
    const { batchDims, runtime } = model;
    const { imageSize } = model.description.preprocessing;
    const images = batchDims[0] as number;
    const tensor = (data: Float32Array, dims: readonly number[]) =>
      new runtime.Tensor("float32", data, dims);
    const upload = host.upload ?? ((value: Tensor) => value);
    const { inputs } = graph;
    const grid = [images, 1, ...model.description.head.size];
    this.#session = session;
    this.#images = images;
    this.#fixed = {
      [inputs.original]: upload(tensor(start.original, batchDims)),
      [inputs.labels]: upload(tensor(start.labels, grid)),
      ...(inputs.region !== undefined && {
        [inputs.region]: upload(tensor(start.region as Float32Array, [images, 1, ...imageSize])),
      }),
    };
    const zeros = (dims: readonly number[]) => tensor(new Float32Array(countOf(dims)), dims);
    this.#image = tensor(start.image.slice(), batchDims);
    this.#state = mapValues(graph.stateDims, (dims, name) =>
      tensor(new Float32Array(countOf(dims)).fill(start.state[name] ?? 0), dims),
    );
    const rows = metricNames.length + graph.logs.length;
    const { outputs } = graph;
    this.#spare =
      (host.outputs ?? "reused") === "reused"
        ? {
            image: zeros(batchDims),
            seen: outputs.seen === undefined ? undefined : zeros(batchDims),
            prediction: zeros(grid),
            metrics: zeros([rows, images]),
            measure: outputs.measure === undefined ? undefined : zeros(batchDims),
            state: mapValues(graph.stateDims, zeros),
          }
        : undefined;
    this.#kept = new KeptIterates(images);
  }

  /**
   * Runs a step from x_n; x_{n+1} and the prediction at x_n are held until the next.
   *
   * @param numbers of each image
   */
  async step(numbers: readonly StepNumbers[]): Promise<StepMetrics[]> {
    const { graph, session } = this.#session;
    const { inputs, outputs } = graph;
    const feeds = {
      ...this.#fixed,
      [inputs.image]: this.#image,
      [inputs.numbers]: this.#pack([...commonNumbers, ...graph.numbers], numbers),
      ...rename(this.#state, inputs.state),
    };
    const names = {
      [outputs.image]: this.#spare?.image,
      ...(outputs.seen !== undefined && { [outputs.seen]: this.#spare?.seen }),
      [outputs.prediction]: this.#spare?.prediction,
      [outputs.metrics]: this.#spare?.metrics,
      ...(outputs.measure !== undefined && { [outputs.measure]: this.#spare?.measure }),
      ...Object.fromEntries(
        Object.entries(outputs.state).map(([name, output]) => [output, this.#spare?.state[name]]),
      ),
    };
    const results =
      this.#spare === undefined
        ? await session.run(feeds, Object.keys(names))
        : (await session.run(feeds, names as Record<string, Tensor>), names);
    const of = (name: string) => results[name] as Tensor;
    const former = this.#outputs;
    this.#outputs = {
      image: of(outputs.image),
      seen: outputs.seen === undefined ? undefined : of(outputs.seen),
      prediction: of(outputs.prediction),
      metrics: of(outputs.metrics),
      measure: outputs.measure === undefined ? undefined : of(outputs.measure),
      state: mapValues(outputs.state, of),
    };
    this.#dispose(former?.seen, former?.prediction, former?.measure);
    return this.#unpack(this.#outputs.metrics);
  }

  /** IoU and norms of the image that the last step gave to be measured, by a forward pass of its own. */
  async measure(
    absentBefore: readonly number[],
  ): Promise<Record<(typeof measuredNames)[number], number>[]> {
    const measuring = this.#session.measuring as NonNullable<StepSession["measuring"]>;
    const { inputs, metrics } = measuring.graph;
    const { inputs: own } = this.#session.graph;
    const results = await measuring.session.run(
      {
        [inputs.image]: this.#outputs?.measure as Tensor,
        [inputs.original]: this.#fixed[own.original] as Tensor,
        [inputs.labels]: this.#fixed[own.labels] as Tensor,
        [inputs.numbers]: this.#pack(
          ["absentBefore"],
          absentBefore.map((count) => ({ absentBefore: count })),
        ),
      },
      [metrics],
    );
    const rows = await readTensor(results[metrics] as Tensor);
    return Array.from({ length: this.#images }, (_, image) =>
      columnOf(rows, measuredNames, image, this.#images),
    );
  }

  /** x_n of one image, as the model saw it, goes into a slot with the prediction at it. */
  keep(slot: Slot, image: number): void {
    const { prediction } = this.#outputs as Outputs;
    this.#dispose(...this.#kept.keep(slot, image, { seen: this.#seen, prediction }));
  }

  /** What is in one slot goes to the other. */
  move(from: Slot, to: Slot, image: number): void {
    this.#dispose(...this.#kept.move(from, to, image));
  }

  /** x_{n+1} takes the place of x_n. */
  advance(): void {
    const outputs = this.#outputs as Outputs;
    const former = { image: this.#image, state: this.#state };
    this.#image = outputs.image;
    this.#state = outputs.state;
    if (this.#spare === undefined) {
      this.#dispose(former.image, ...Object.values(former.state));
    } else {
      this.#spare = { ...outputs, ...former };
    }
  }

  /** x_n of one image as the model saw it, float32 [1, C, …size]; a copy. */
  async readImage(image: number): Promise<Float32Array> {
    return sliceOf(await readTensor(this.#seen), image, this.#images);
  }

  /** Labels predicted at x_n of one image; a copy. */
  async readPrediction(image: number): Promise<Int32Array> {
    const { prediction } = this.#outputs as Outputs;
    return Int32Array.from(sliceOf(await readTensor(prediction), image, this.#images));
  }

  /** What is in a slot; copies. */
  async readKept(slot: Slot, image: number): Promise<IterateArrays> {
    return await this.#kept.read(slot, image);
  }

  /** Frees what is on a GPU. */
  release(): void {
    const kept = this.#kept.clear();
    const { seen, prediction, measure, image, state } = this.#outputs ?? {};
    this.#outputs = undefined;
    this.#dispose(
      ...new Set([
        ...kept,
        this.#image,
        ...Object.values(this.#state),
        ...Object.values(state ?? {}),
        image,
        seen,
        prediction,
        measure,
        ...Object.values(this.#fixed),
      ]),
    );
  }

  get #seen(): Tensor {
    return this.#outputs?.seen ?? this.#image;
  }

  #pack(names: readonly string[], numbers: readonly StepNumbers[]): Tensor {
    const { runtime, batchDims } = this.#session.model;
    const data = names.flatMap((name) => numbers.map((of) => of[name] as number));
    const dims = [names.length, this.#images, ...batchDims.slice(1).map(() => 1)];
    return new runtime.Tensor("float32", Float32Array.from(data), dims);
  }

  #unpack(metrics: Tensor): StepMetrics[] {
    const { logs } = this.#session.graph;
    const rows = metrics.data as Float32Array;
    const after = rows.subarray(metricNames.length * this.#images);
    return Array.from({ length: this.#images }, (_, image) => ({
      ...columnOf(rows, metricNames, image, this.#images),
      logs: columnOf(after, logs, image, this.#images),
    }));
  }

  /** Frees tensors on a GPU that nobody keeps. */
  #dispose(...tensors: (Tensor | undefined)[]): void {
    for (const tensor of tensors) {
      if (tensor !== undefined && tensor.location !== "cpu" && !this.#kept.has(tensor)) {
        tensor.dispose();
      }
    }
  }
}

function rename(
  tensors: Readonly<Record<string, Tensor>>,
  names: Readonly<Record<string, string>>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(names).map(([name, input]) => [input, tensors[name] as Tensor]),
  );
}

function columnOf<Name extends string>(
  rows: Float32Array,
  names: readonly Name[],
  image: number,
  images: number,
): Record<Name, number> {
  return Object.fromEntries(
    names.map((name, row) => [name, rows[row * images + image] as number]),
  ) as Record<Name, number>;
}
