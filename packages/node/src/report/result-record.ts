import type {
  AttackResult,
  IouDefinition,
  JudgedRecord,
  ModelDescription,
  Passes,
  RunOptionsUsed,
  StepRecord,
  Verdict,
} from "@onnx-asma/core";
import type { Visibility } from "@onnx-asma/core/visibility";
import type { FileRecord } from "../file-record.ts";
import type { LabelsFile } from "../images/write-labels.ts";
import type { ModelSources } from "../loaded-model.ts";
import type { AdversarialFile } from "./adversarial-file.ts";
import type { Slice } from "./slice.ts";

/** The files that an attack was given, each as it was read. */
export interface AttackSources {
  readonly model: ModelSources;
  readonly image: FileRecord;
  /** The mask or the other image that the target was made of. */
  readonly target?: FileRecord | undefined;
  readonly region?: FileRecord | undefined;
}

/** What computed. */
export interface RuntimeRecord {
  readonly node: string;
  /** Version of ONNX Runtime. */
  readonly "onnxruntime-node": string;
  /** Operating system and processor, as Node names them. */
  readonly platform: string;
  readonly executionProviders: readonly string[];
  /** Threads asked for; 0: ONNX Runtime's own choice. */
  readonly threads: number;
}

/** The model's files, and what they were taken to mean for images of this size. */
export interface ModelRecord extends FileRecord {
  readonly externalData: readonly FileRecord[];
  readonly preprocessor: FileRecord | null;
  /** A training graph that the gradient was taken from, with its external data. */
  readonly trainingGraph: readonly FileRecord[] | null;
  readonly opset: number;
  /** How the differentiated model departs from the file. */
  readonly adaptations: ModelDescription["adaptations"];
  readonly input: ModelDescription["input"];
  /** The output that is decoded, and the scores behind it that are attacked. */
  readonly output: ModelDescription["head"];
  /** The grid that labels lie on, and where it lies on the image. */
  readonly grid: ModelDescription["grid"];
  readonly classes: readonly string[];
  readonly preprocessing: ModelDescription["preprocessing"];
  /** Everything that was decided about the model, and why. */
  readonly decisions: ModelDescription["decisions"];
}

/** The untouched image. */
export interface ImageRecord extends FileRecord {
  /** [1, C, H, W], of volumes [1, C, D, H, W]. */
  readonly dims: readonly number[];
  /** Bits per channel of the file; 32 for floating-point numbers. */
  readonly bitDepth: 8 | 16 | 32;
  /** Values per channel that the file can hold. */
  readonly levels: number | "float";
  readonly format: string;
  /** The file in this folder that holds the pixels as they were decoded. */
  readonly decoded: string;
  /** SHA-256 of `savedFile`. */
  readonly adversarialSha256: string;
}

/** The label map that the model shall draw. */
export interface TargetRecord extends LabelsFile {
  /** SHA-256 of the labels as little-endian int32, −1 ignored. */
  readonly labelsSha256: string;
  /** The mask or the other image that it was made of. */
  readonly from?: FileRecord;
  /** The options that it was made by. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Of the output grid. */
  readonly dims: readonly number[];
  readonly pixelsPerClass: readonly number[];
  readonly ignoredPixels: number;
}

/** One class before and after the attack, on the output grid; ignored pixels do not count. */
export interface ClassRecord {
  readonly class: number;
  readonly name: string;
  /** Pixels that the untouched model draws on the untouched image. */
  readonly pixelsBefore: number;
  readonly pixelsTarget: number;
  /** Pixels that it draws on the saved file. */
  readonly pixelsAfter: number;
  /** IoU with the target; `null` for a class that neither contains. */
  readonly iouBefore: number | null;
  readonly iouAfter: number | null;
}

/** The object in `result.json`; docs/results.md has it field by field. */
export interface ResultRecord {
  /** Raised whenever a field changes its meaning or goes. */
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly runtime: RuntimeRecord;
  readonly model: ModelRecord;
  readonly image: ImageRecord;
  readonly target: TargetRecord;
  /** The mask of the region that may change. */
  readonly region?: FileRecord;
  /** The attack, and its options exactly as they were used. */
  readonly attack: AttackResult["attack"] & { readonly title: string; readonly paper: string };
  /** Options of the run exactly as they were used; the thresholds of the verdicts are among them. */
  readonly options: RunOptionsUsed;
  readonly iouDefinition: IouDefinition;
  readonly stopReason: AttackResult["stopReason"];
  /** What ended the run, where it failed. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** The best iterate, as the run recorded it. */
  readonly best: StepRecord;
  readonly steps: number;
  readonly passes: Passes;
  /** What the untouched model said during the run, whenever it was asked. */
  readonly judged: readonly ({ readonly step: number } & JudgedRecord)[];
  readonly notices: readonly string[];
  readonly classes: readonly ClassRecord[];
  /** The class of the target or of either prediction whose IoU on the saved file is the least. */
  readonly worstClass: ClassRecord | null;
  /** How much of the change can be seen, on the saved file. */
  readonly visibility: Visibility;
  /** The float image. */
  readonly float: Verdict;
  /** The image as re-read from `savedFile`. */
  readonly saved: Verdict;
  /** The file that decides: `adversarial.png`, or `.npy` where a PNG cannot hold the image. */
  readonly savedFile: AdversarialFile["name"];
  /** The slice of a volume that the pictures show. */
  readonly slice?: Slice;
  readonly reached: boolean;
  readonly perturbationPictureFactor: number;
  /** Label maps on the output grid, as `target` is written. */
  readonly labels: { readonly before: LabelsFile; readonly after: LabelsFile };
  readonly seconds: Readonly<Record<string, number>>;
  readonly files: readonly string[];
}
