import type { Adaptations, DataType } from "@onnx-asma/autodiff";
import type { Decision } from "./decision.ts";
import type { OutputGrid } from "./grid/output-grid.ts";
import type { Preprocessing } from "./input/preprocessing.ts";
import type { OutputHead } from "./output/output-head.ts";

/** What a model was taken to mean, for images of one size. */
export interface ModelDescription {
  readonly input: {
    /** Its name. */
    readonly name: string;
    /** Type of its elements. */
    readonly dtype: DataType;
    /** Extents along its axes, the batch among them. */
    readonly dims: readonly number[];
  };
  /** Channels of the user's images. */
  readonly channels: number;
  readonly preprocessing: Preprocessing;
  readonly head: OutputHead;
  readonly grid: OutputGrid;
  readonly classNames: readonly string[];
  readonly opset: number;
  /** Types of the operators that are left of the model for images of this size, sorted. */
  readonly operators: readonly string[];
  /** How the differentiated model departs from the file. */
  readonly adaptations: Adaptations;
  readonly decisions: readonly Decision[];
}
