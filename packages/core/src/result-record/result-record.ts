import type { JudgedRecord } from "../attack/step-record.ts";
import type { IouDefinition } from "../metrics/iou.ts";
import type { Verdict } from "../metrics/verdict.ts";
import type { Visibility } from "../metrics/visibility.ts";
import type { ModelDescription } from "../model/model-description.ts";
import type { Decoder } from "../picture/file-image.ts";
import type { Passes, StopReason } from "../run/attack-result.ts";
import type { RunOptionsUsed } from "../run/run-options.ts";
import type { VerdictWords } from "../verdict-words/verdict-words.ts";
import type { AdversarialFile } from "./adversarial-file.ts";
import type { Agreement, ClassRecord, Erased } from "./compare-predictions.ts";
import type { LabelsFile } from "./encode-labels.ts";
import type { FileRecord } from "./file-record.ts";
import type { PicturesRecord } from "./pictures-record.ts";

/** The files of a model. */
export interface ModelSources {
  /** The model's own file. */
  readonly model: FileRecord;
  /** Files of its weights beside it. */
  readonly externalData: readonly FileRecord[];
  /** The `preprocessor_config.json`, if it came as a file. */
  readonly preprocessor: FileRecord | undefined;
  /** A training graph with its external data, if there is one. */
  readonly trainingGraph: readonly FileRecord[] | undefined;
}

/** The files that an attack was given, each as it was read. */
export interface AttackSources {
  readonly model: ModelSources;
  readonly image: FileRecord;
  /** The mask or the other image that the target was made of. */
  readonly target?: FileRecord | undefined;
  /** The mask of the region. */
  readonly region?: FileRecord | undefined;
}

/** What computed. */
export interface HostRecord {
  /** Where it ran. */
  readonly kind: "node" | "web";
  /** The version of Node; of a browser what it says of itself. */
  readonly version: string;
  /** Operating system and processor, as Node names them; a browser's are in `version`. */
  readonly platform?: string | undefined;
  /** ONNX Runtime. */
  readonly runtime: {
    /** Its package. */
    readonly name: "onnxruntime-node" | "onnxruntime-web";
    /** Its version. */
    readonly version: string;
  };
  /** Execution providers of ONNX Runtime, the first that can computes. */
  readonly executionProviders: readonly string[];
  /** Threads asked for; 0: ONNX Runtime's own choice. */
  readonly threads: number;
}

/** The model's files, and what they were taken to mean for images of this size. */
export interface ModelRecord extends FileRecord {
  /** Files of its weights beside it. */
  readonly externalData: readonly FileRecord[];
  /** The `preprocessor_config.json`, if it came as a file. */
  readonly preprocessor: FileRecord | null;
  /** A training graph that the gradient was taken from, with its external data. */
  readonly trainingGraph: readonly FileRecord[] | null;
  /** Version of ONNX's operators that the file is in. */
  readonly opset: number;
  /** How the differentiated model departs from the file. */
  readonly adaptations: ModelDescription["adaptations"];
  /** The image input. */
  readonly input: ModelDescription["input"];
  /** What the inputs that are no image were given: a number for all elements, or an array. */
  readonly feeds: Readonly<Record<string, number | FeedRecord>>;
  /** The output that is decoded, and the scores behind it that are attacked. */
  readonly output: ModelDescription["head"];
  /** The grid that labels lie on, and where it lies on the image. */
  readonly grid: ModelDescription["grid"];
  /** Names of the classes, by number. */
  readonly classes: readonly string[];
  readonly preprocessing: ModelDescription["preprocessing"];
  /** Everything that was decided about the model, and why. */
  readonly decisions: ModelDescription["decisions"];
}

/** An array that an input was given. */
export interface FeedRecord {
  /** Extents along its axes. */
  readonly dims: readonly number[];
  /** SHA-256 of its elements as little-endian float64 in C order. */
  readonly sha256: string;
}

/** The untouched image. */
export interface ImageRecord extends FileRecord {
  /** [1, C, H, W], of volumes [1, C, D, H, W]. */
  readonly dims: readonly number[];
  /** Bits per channel of the file; 32 for floating-point numbers. */
  readonly bitDepth: 8 | 16 | 32;
  /** Values per channel that the file can hold. */
  readonly levels: number | "float";
  /** "png", "jpeg", "webp", "tiff", "bmp", "gif", "pnm", "npy", or "pixels". */
  readonly format: string;
  readonly decoder: Decoder;
  /** Pages of the file, where it has several; the image is the first one. */
  readonly pages?: number | undefined;
  /** The file in this folder that holds the pixels as they were decoded. */
  readonly decoded: string;
}

/** The label map that the model shall draw. */
export interface TargetRecord extends LabelsFile {
  /** SHA-256 of the labels as little-endian int32, −1 ignored. */
  readonly labelsSha256: string;
  /** The mask or the other image that it was made of. */
  readonly from?: FileRecord | undefined;
  /** The options that it was made by. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Of the output grid. */
  readonly dims: readonly number[];
  /** By the number of the class. */
  readonly pixelsPerClass: readonly number[];
  /** Pixels that do not count. */
  readonly ignoredPixels: number;
}

/** Where the image may change. */
export interface RegionRecord {
  /** The file in this folder: 1 where it may change, 0 elsewhere, of the image's size. */
  readonly file: string;
  /** The mask that it was read from. */
  readonly from?: FileRecord | undefined;
  /** Pixels that may change. */
  readonly pixels: number;
}

/** What the change may be at most, in units of [0, 1]. */
export interface BudgetRecord {
  /** L2, or the largest change of a value. */
  readonly norm: "l2" | "linf";
  /** What it may be at most. */
  readonly epsilon: number;
}

/**
 * Numbers of the best iterate as the attack measured them in float32, the row of this step in
 * `trajectory.csv`; `float` has those of the same image under the untouched model. `null`: not finite.
 */
export interface BestRecord {
  /** n, counted from 0. */
  readonly step: number;
  /** IoU of its prediction with the target, in [0, 1], by `iouDefinition`. */
  readonly iou: number;
  /** Share of the counted pixels that have the target's label, in [0, 1]. */
  readonly pixelAccuracy: number;
  /** Counted pixels that are not as the goal wants them. */
  readonly wrongPixels: number;
  /** The loss that is ascended. */
  readonly loss: number | null;
  /** Sum of the changes of all values, image values in [0, 1]. */
  readonly l1: number;
  /** Root of the sum of their squares. */
  readonly l2: number;
  /** Largest change of a value. */
  readonly linf: number;
  /** ‖∇‖₂ of the loss where the image may change. */
  readonly gradientL2: number | null;
  /** Further numbers of the attack (step sizes, …), by name. */
  readonly logs: Readonly<Record<string, number | null>>;
}

/** The attack, and its options exactly as they were used. */
export interface AttackRecord {
  /** Name of the attack, as the option `attack` takes it. */
  readonly name: string;
  /** Its options, given or by default. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Name for people. */
  readonly title: string;
  /** Where it was published. */
  readonly paper: string;
}

/** The object in `result.json`; docs/results.md has it field by field. */
export interface ResultRecord {
  /** Raised whenever a field changes its meaning or goes. */
  readonly schemaVersion: 2;
  /** What made it. */
  readonly tool: {
    /** "onnx-asma". */
    readonly name: string;
    /** Its version. */
    readonly version: string;
  };
  readonly host: HostRecord;
  readonly model: ModelRecord;
  readonly image: ImageRecord;
  readonly target: TargetRecord;
  readonly region?: RegionRecord;
  readonly attack: AttackRecord;
  /** Options of the run exactly as they were used; the thresholds of the verdicts are among them. */
  readonly options: RunOptionsUsed;
  /** What the change may be at most, for attacks that have a budget; `reached` asks for it too. */
  readonly budget: BudgetRecord | null;
  /** The definition of `iou` in `best`, `judged`, `float` and `saved`. */
  readonly iouDefinition: IouDefinition;
  readonly stopReason: StopReason;
  /** What ended the run, where it failed. */
  readonly failure?: {
    /** Of docs/errors.md. */
    readonly code: string;
    /** For people. */
    readonly message: string;
  };
  readonly best: BestRecord;
  /** Steps that were taken. */
  readonly steps: number;
  readonly passes: Passes;
  /** What the untouched model said during the run, whenever it was asked; also in `trajectory.csv`. */
  readonly judged: readonly ({ readonly step: number } & JudgedRecord)[];
  /** Remarks on the attack, for people. */
  readonly notices: readonly string[];
  /** Each class before the attack, in the target, and on the saved file. */
  readonly classes: readonly ClassRecord[];
  /** The class of the target or of either prediction whose IoU on the saved file is the least. */
  readonly worstClass: ClassRecord | null;
  /** How well the target is drawn on the untouched image and on the saved file, by every definition. */
  readonly agreement: { readonly before: Agreement; readonly after: Agreement };
  /** What was taken away of the classes that the target lacks; `null` where the model drew none of them. */
  readonly erased: Erased | null;
  /** How much of the change can be seen, on the saved file. */
  readonly visibility: Visibility;
  /** The float image, in `adversarial.npy`. */
  readonly float: Verdict;
  /** The image as re-read from `savedFile`. */
  readonly saved: Verdict;
  /** The file that decides: `adversarial.png`, or `.npy` where a PNG cannot hold the image. */
  readonly savedFile: AdversarialFile["name"];
  /** Whether the saved file reaches both thresholds, within the budget where there is one. */
  readonly reached: boolean;
  /** Label maps on the output grid: on the untouched image, on the saved file and on the float image. */
  readonly labels: {
    readonly before: LabelsFile;
    readonly after: LabelsFile;
    readonly float: LabelsFile;
  };
  /** The verdict in sentences: goal and change. */
  readonly verdict: VerdictWords;
  /** What the pictures show, where there are pictures. */
  readonly pictures?: PicturesRecord;
  /** Wall-clock times in seconds. */
  readonly seconds: {
    /** The attack's own work. */
    readonly attack: number;
    /** The same by the number of iterates. */
    readonly perStep: number;
    /** Deriving the gradient. */
    readonly differentiate: number;
    /** Loading the step graph. */
    readonly load: number;
  };
  /** All other files that were written with it. */
  readonly files: readonly FileRecord[];
}
