/** What counts as reached; both have to hold. */
export interface Thresholds {
  /** IoU with the labels, in [0, 1]. */
  readonly iou: number;
  /** Pixel accuracy, in [0, 1]. */
  readonly pixelAccuracy: number;
}

/** How far one is, in [0, 1]: agreement with the labels, or the lack of it when they are to be left. */
export function progressOf({ iou, pixelAccuracy }: Thresholds, targeted: boolean): Thresholds {
  return targeted ? { iou, pixelAccuracy } : { iou: 1 - iou, pixelAccuracy: 1 - pixelAccuracy };
}

/** Whether both thresholds hold, as far as float32 can tell: graphs measure in it. */
export function holds(
  agreement: Thresholds,
  { thresholds, targeted }: { readonly thresholds: Thresholds; readonly targeted: boolean },
): boolean {
  const { iou, pixelAccuracy } = progressOf(agreement, targeted);
  return (
    Math.fround(iou) >= Math.fround(thresholds.iou) &&
    Math.fround(pixelAccuracy) >= Math.fround(thresholds.pixelAccuracy)
  );
}
