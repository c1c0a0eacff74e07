import type {
  AttackChoice,
  AttackResult,
  AttackStep,
  ErrorCode,
  ImageInput,
  ImageLike,
  ImageTensor,
  LabelMap,
  LabelsLike,
  ModelDescription,
  ModelOptions,
  Preprocessor,
  ScoreMap,
  Size,
  TrainingGraphOptions,
  Verification,
  VerifyOptions,
} from "@onnx-asma/core";
import type { ClassOptions } from "@onnx-asma/core/mask-file";
import type { FileImage } from "@onnx-asma/core/picture-file";
import type { RecordedAttack } from "@onnx-asma/core/result-record";

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
  readonly options: Omit<ModelOptions, "preprocessor" | "trainingGraph">;
  readonly trainingGraph: TrainingGraphFiles | undefined;
  /** `undefined`: looked for beside the model, or among its files. */
  readonly preprocessor:
    | Pick<Preprocessor, "text" | "source" | "processorType">
    | { readonly file: FileSource }
    | false
    | undefined;
  readonly device: Device | "auto";
  readonly threads: number | undefined;
  /** Folder of ONNX Runtime's files, where they are not where the bundler put them. */
  readonly wasmPaths: string | undefined;
  readonly cache: boolean;
}

/** Pixels as the page has them. */
export type PixelSource = Blob | ImageData | ImageBitmap;

/** An image of a file or of pixels. */
export type ReadImage = FileImage;

/** The files that an attack on the page was given. */
export interface SourceFiles {
  /** Without one, the pixels as they are saved stand for it. */
  readonly image?: File | undefined;
  /** The mask or the other image that the target was made of. */
  readonly target?: File | undefined;
  /** The mask of the region. */
  readonly region?: File | undefined;
}

/** What an attack came to, on its way to where it is recorded. */
export interface SentAttack extends Omit<
  RecordedAttack,
  "description" | "sources" | "host" | "feeds"
> {
  readonly sources: SourceFiles;
}

/** A step on its way to the page: its pictures are asked for separately. */
export type StepNumbers = Omit<AttackStep, "image" | "prediction">;

/** What one image of a run came to. */
export type Ending = { readonly result: AttackResult } | { readonly error: ErrorMessage };

/** What a run gives next: a step (`undefined` for images that have ended), or how its images ended. */
export type Next =
  | { readonly step: number; readonly images: readonly (StepNumbers | undefined)[] }
  | { readonly endings: readonly Ending[] };

/** Requests by name: what is sent, and what comes back. */
export interface Requests {
  load: { params: LoadRequest; result: { backend: Backend; input: ImageInput } };
  describe: { params: { size: Size | undefined }; result: ModelDescription };
  readImage: { params: { pixels: PixelSource }; result: ReadImage };
  predict: { params: { image: ImageLike }; result: LabelMap };
  predictScores: { params: { image: ImageLike }; result: ScoreMap };
  /** Checks everything that a run is given; its first step is computed when it is asked for. */
  begin: {
    params: {
      images: readonly ImageLike[];
      targets: readonly LabelsLike[];
      /** Without its signal, which stays on the page. */
      choice: AttackChoice;
      isBatch: boolean;
    };
    result: { run: number };
  };
  next: { params: { run: number }; result: Next };
  image: { params: { run: number; step: number; index: number }; result: ImageTensor };
  prediction: { params: { run: number; step: number; index: number }; result: LabelMap };
  /** Leaves a run; how its images ended, if it had begun and not yet ended. */
  end: { params: { run: number }; result: { endings: readonly Ending[] | undefined } };
  /** Stops a run after the step it is in. */
  abort: { params: { run: number }; result: undefined };
  readMask: { params: { file: Blob; options: ClassOptions }; result: LabelMap };
  /** The files of an attack that has ended, `result.json` last. */
  resultFiles: { params: SentAttack; result: (readonly [name: string, bytes: Uint8Array])[] };
  encode: { params: { image: ImageLike }; result: Uint8Array };
  verify: {
    params: { file: ImageLike | Uint8Array; target: LabelsLike; options: VerifyOptions };
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
  /** As `AsmaError.partial`. */
  readonly partial: unknown;
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
