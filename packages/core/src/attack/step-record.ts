/** Numbers of one iterate x_n; the same in every attack. */
export interface StepRecord {
  /** n, counted from 0. */
  readonly step: number;
  /** IoU of the prediction at x_n with the labels, in [0, 1], by the definition that the result names. */
  readonly iou: number;
  /** Share of the scored pixels whose prediction is the label, in [0, 1]. */
  readonly pixelAccuracy: number;
  /** Scored pixels that are not as the goal wants them. */
  readonly wrongPixels: number;
  /** The loss that is ascended. */
  readonly loss: number;
  /** ‖x_n − x_0‖₁ over all channels and pixels, image values in [0, 1]; of x_n as the model saw it. */
  readonly l1: number;
  /** ‖x_n − x_0‖₂. */
  readonly l2: number;
  /** Largest change of a value. */
  readonly linf: number;
  /** ‖∇‖₂ of the loss where the image may change. */
  readonly gradientL2: number;
  /** Further numbers of the attack (step sizes, …), by name. */
  readonly logs: Readonly<Record<string, number>>;
  /** What the untouched model said of x_n, where it was asked. */
  readonly judged?: JudgedRecord;
}

/** Norms of a perturbation that an attack may be in, as records name them. */
export type NormName = "l2" | "linf";

/** What the untouched model draws on an iterate as it would be saved. */
export interface JudgedRecord {
  /** IoU with the labels, in [0, 1], by the definition that the result names. */
  readonly iou: number;
  /** Share of the scored pixels whose prediction is the label, in [0, 1]. */
  readonly pixelAccuracy: number;
  /** Scored pixels that are not as the goal wants them. */
  readonly wrongPixels: number;
  /** Whether both thresholds hold. */
  readonly reached: boolean;
}
