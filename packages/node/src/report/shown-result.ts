import type { ImageTensor, LabelMap } from "@onnx-asma/core";
import type { Outcome } from "@onnx-asma/core/verdict-words";
import type { ChangeMap } from "./change-map.ts";
import type { Placement } from "./picture.ts";
import type { Region } from "./region-outline.ts";
import type { Slice } from "@onnx-asma/core/result-record";

/**
 * What the pictures of a result show, of a volume one slice. All label maps have the same dims, both images too; in
 * the label maps −1 does not count.
 */
export interface ShownResult {
  /** Model and image: "optic-disc.onnx on retina.jpg". */
  readonly title: string;
  /** The attack: "ASMA". */
  readonly attack: string;
  /** The file that was measured: "adversarial.png". */
  readonly savedFile: string;
  readonly outcome: Outcome;
  /** Of all classes of the model. */
  readonly classNames: readonly string[];
  readonly original: ImageTensor;
  /** As re-read from the saved file. */
  readonly adversarial: ImageTensor;
  /** Between these two. */
  readonly change: ChangeMap;
  readonly predictionBefore: LabelMap;
  /** The labels to reach, or those to leave. */
  readonly target: LabelMap;
  /** What the untouched model draws on the saved file. */
  readonly predictionAfter: LabelMap;
  /** Predictions along the way. */
  readonly snapshots: readonly { readonly iteration: number; readonly prediction: LabelMap }[];
  /** Where the image may change, if not everywhere. */
  readonly region?: Region | undefined;
  /** Where the label maps lie in the image, in its pixels. */
  readonly placement: Placement;
  readonly slice?: Slice | undefined;
}

/** "slice 12 of 40 (most pixels changed their label here)", for volumes. */
export function sliceWords(slice: Slice): string {
  return `slice ${slice.imageIndex + 1} of ${slice.of} (${slice.because})`;
}
