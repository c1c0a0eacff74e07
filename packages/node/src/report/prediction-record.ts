import type {
  FileRecord,
  ImageRecord,
  LabelsFile,
  ModelRecord,
} from "@onnx-asma/core/result-record";

/** How much of one class is drawn. */
export interface DrawnClass {
  readonly class: number;
  readonly name: string;
  readonly pixels: number;
  /** Of all pixels of the output grid, 0 to 1. */
  readonly share: number;
}

/** The object in `prediction.json`: what the untouched model draws on an image. */
export interface PredictionRecord {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly model: FileRecord &
    Pick<ModelRecord, "externalData" | "preprocessor" | "preprocessing" | "grid">;
  readonly image: FileRecord & Pick<ImageRecord, "dims" | "bitDepth" | "levels" | "format">;
  readonly classes: readonly DrawnClass[];
  /** The label map on the output grid, of the untouched model. */
  readonly labels: LabelsFile;
  /** The scores on the output grid, as attacks raise them. */
  readonly scores: {
    readonly file: "scores.npy";
    /** float32 [K, …size]. */
    readonly dims: readonly number[];
    /** What they are, in words. */
    readonly are: string;
    /** Pixels whose largest score is of another class than the label, by rounding or quantization. */
    readonly otherPixels: number;
  };
  /** The label map in the colours of its classes. */
  readonly picture: "colours.png";
  /** The slice of a volume that the picture shows, counted from 0: of the grid, and of the image. */
  readonly slice?: { readonly index: number; readonly imageIndex: number; readonly of: number };
  readonly notices: readonly string[];
  readonly files: readonly string[];
}
