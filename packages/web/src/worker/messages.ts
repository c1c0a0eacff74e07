import type {
  AsmaOptions,
  AsmaSessionOptions,
  AttackResult,
  ErrorCode,
  ImageInput,
  ImageTensor,
  LabelMap,
  ModelDescription,
  ModelOptions,
  Size,
  StepBuild,
  StepRecord,
  TrainingGraphOptions,
  Verdict,
} from "@onnx-asma/core";

/** Bytes of a file: in memory, a `Blob` (or `File`), or the absolute URL to fetch them from. */
export type FileSource = Uint8Array | Blob | { readonly url: string };

/** A model's files; external data by the names under which the model refers to them. */
export interface ModelFiles {
  readonly model: FileSource;
  readonly externalData: Readonly<Record<string, FileSource>>;
}

/** A training graph's files, and the names of its values. */
export interface TrainingGraphFiles
  extends ModelFiles, Omit<TrainingGraphOptions, "model" | "target"> {}

/** Where steps are computed. */
export type Device = "wasm" | "webgpu";

/** What computes the steps, and what was not to be had. */
export interface Backend {
  readonly device: Device;
  /** Threads of the WASM runtime; WebGPU uses them for what stays on the CPU. */
  readonly threads: number;
  /** Why this is not what was asked for. */
  readonly notice?: string | undefined;
}

/** How far loading is. */
export interface LoadProgress {
  /** Fetching the model, loading ONNX Runtime, building the step graph. */
  readonly phase: "model" | "runtime" | "graph";
  /** Bytes fetched so far. */
  readonly loaded?: number;
  /** Bytes in all, where the server says so. */
  readonly total?: number;
}

/** What the worker is started with. */
export interface LoadRequest extends ModelFiles {
  readonly options: ModelOptions & AsmaSessionOptions;
  readonly trainingGraph: TrainingGraphFiles | undefined;
  readonly device: Device | "auto";
  readonly threads: number | undefined;
  /** Folder of ONNX Runtime's files, where they are not where the bundler put them. */
  readonly wasmPaths: string | undefined;
  readonly cache: boolean;
}

/** Pixels as the page has them. */
export type PixelSource = Blob | ImageData | ImageBitmap;

/** Numbers of a step; pictures are asked for separately. */
export interface StepNumbers extends StepRecord {
  readonly reached: boolean;
  readonly isBest: boolean;
  /** Milliseconds that the step took in the worker. */
  readonly milliseconds: number;
}

/** Options of a run that cross to the worker: the signal stays on the page. */
export type RunOptions = Omit<AsmaOptions, "signal">;

/** What {@link Requests.verify} gives. */
export interface Verification extends Verdict {
  /** The image as decoded from the file. */
  readonly image: ImageTensor;
  /** What the untouched model predicts for it. */
  readonly prediction: LabelMap;
}

/** Requests by name: what is sent, and what comes back. */
export interface Requests {
  load: { params: LoadRequest; result: { backend: Backend; input: ImageInput } };
  describe: { params: { size: Size | undefined }; result: ModelDescription };
  readImage: { params: { pixels: PixelSource }; result: ImageTensor };
  predict: { params: { image: ImageTensor }; result: LabelMap };
  begin: {
    params: { run: number; image: ImageTensor; target: LabelMap; options: RunOptions };
    result: { build: StepBuild };
  };
  next: { params: { run: number }; result: { step?: StepNumbers; result?: AttackResult } };
  image: { params: { run: number; step: number }; result: ImageTensor };
  prediction: { params: { run: number; step: number }; result: LabelMap };
  /** Ends a run; its result is what there is by then. */
  end: { params: { run: number }; result: { result: AttackResult | undefined } };
  /** Stops a run after the step it is in. */
  abort: { params: { run: number }; result: undefined };
  encode: { params: { image: ImageTensor }; result: Uint8Array };
  verify: {
    params: {
      file: Uint8Array;
      original: ImageTensor;
      target: LabelMap;
      thresholds: { iou: number; pixelAccuracy: number };
    };
    result: Verification;
  };
}

export type RequestName = keyof Requests;

/** From the page to the worker. */
export type Request = {
  [Name in RequestName]: {
    readonly id: number;
    readonly name: Name;
    readonly params: Requests[Name]["params"];
  };
}[RequestName];

/** An error on its way between threads. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Whether the worker can do nothing more. */
  readonly isFatal: boolean;
}

/** From the worker to the page. */
export type Response =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorMessage }
  | { readonly kind: "progress"; readonly progress: LoadProgress }
  | { readonly kind: "backend"; readonly backend: Backend }
  | { readonly kind: "lost"; readonly error: ErrorMessage };
