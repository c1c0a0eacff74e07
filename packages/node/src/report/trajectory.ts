/** One step of an attack as reports show it. Values that are not finite are left out of plots. */
export interface TrajectoryStep {
  /** Iteration, from 0. */
  readonly step: number;
  /** IoU of prediction and target, 0 to 1. */
  readonly iou: number;
  /** Share of pixels that are right, 0 to 1. */
  readonly pixelAccuracy: number;
  /** L2 norm of the perturbation, in [0, 1] pixel units. */
  readonly l2: number;
  /** L-infinity norm of the perturbation, in [0, 1] pixel units. */
  readonly linf: number;
  /** Step multiplier α_n. */
  readonly alpha: number;
  /** Number of pixels that differ from the target. */
  readonly wrongPixels?: number;
  /** Value of the loss that is ascended. */
  readonly loss?: number;
}
