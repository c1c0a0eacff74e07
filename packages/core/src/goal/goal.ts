import type { Keeps } from "../attack/attack-definition.ts";
import type { NormName, StepRecord } from "../attack/step-record.ts";
import { tolerance } from "../distance/budget.ts";
import { holds, progressOf, type Thresholds } from "../metrics/thresholds.ts";

/** What {@link Goal} decides by. */
export interface GoalOptions {
  readonly thresholds: Thresholds;
  /** Whether the labels are to be reached, or to be left: then 1 − IoU and 1 − accuracy have to hold them. */
  readonly targeted: boolean;
  readonly keeps: Keeps;
  /** The norm that counts between two iterates. */
  readonly norm: NormName;
  /** Iterates whose norm is above this are no candidates. */
  readonly budget: number | undefined;
}

/** Numbers that a goal looks at: of a step, or of a verdict. */
export type Agreement = Pick<StepRecord, "iou" | "pixelAccuracy">;

/** An iterate that may be the best. */
export interface Candidate {
  readonly record: StepRecord;
  readonly reached: boolean;
}

/** What an attack is for: when it is reached, and which of two iterates is better. */
export class Goal {
  readonly options: GoalOptions;

  constructor(options: GoalOptions) {
    this.options = options;
  }

  /**
   * Whether both thresholds hold.
   *
   * @param thresholds in place of the goal's own
   */
  holds(agreement: Agreement, thresholds = this.options.thresholds): boolean {
    return holds(agreement, { ...this.options, thresholds });
  }

  /** How far one is, in [0, 1]. */
  progress(agreement: Agreement): Thresholds {
    return progressOf(agreement, this.options.targeted);
  }

  /** Whether an iterate may be handed back at all. */
  admits(record: StepRecord): boolean {
    const { budget, norm } = this.options;
    return isWithin(budget === undefined ? undefined : { norm, epsilon: budget }, record);
  }

  /**
   * Whether `a` is better than `b`: it reaches the goal and `b` does not; otherwise of those that reach
   * it the one of smaller norm (or, within a budget, the one with fewer wrong pixels), of the others the
   * one with fewer wrong pixels, then of smaller norm. So nothing has more wrong pixels than another of
   * no larger norm.
   */
  isBetter(a: Candidate, b: Candidate | undefined): boolean {
    if (b === undefined) {
      return true;
    }
    if (a.reached !== b.reached) {
      return a.reached;
    }
    const { keeps, norm } = this.options;
    const wrong = a.record.wrongPixels - b.record.wrongPixels;
    const size = a.record[norm] - b.record[norm];
    const [first, second] = a.reached && keeps === "closest" ? [size, wrong] : [wrong, size];
    return first === 0 ? second < 0 : first < 0;
  }
}

/** Whether norms keep a budget, but for rounding to float32. */
export function isWithin(
  budget: { readonly norm: NormName; readonly epsilon: number } | undefined,
  norms: Readonly<Record<NormName, number>>,
): boolean {
  return budget === undefined || norms[budget.norm] <= budget.epsilon * (1 + tolerance);
}
