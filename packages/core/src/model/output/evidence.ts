/** Some of the classes that exclude each other. */
export interface Picked {
  /** The value that holds all of them. */
  readonly from: string;
  /** Which of them stand there, or (without an axis) were added up. */
  readonly entries: readonly number[];
  /** The axis along which they stand; `undefined` where there is one number of them. */
  readonly axis: number | undefined;
}

/** What saturates on the way to an output. */
export interface Saturating {
  /** "Softmax", "Sigmoid", … */
  readonly by: string;
  /** The value in which gradients vanish. */
  readonly value: string;
  /** What stands before it, of the same dims, where they do not. */
  readonly input: string;
  /** Whether it is flat at its ends, which are `low` and `high`. */
  readonly isFlat: boolean;
  /** Its least number. */
  readonly low: number;
  /** Its largest number. */
  readonly high: number;
  /** Axis along which its classes exclude each other. */
  readonly axis?: number | undefined;
  /** What saturates before `input`. */
  readonly before: readonly Saturating[];
}

/** What the graph tells of the numbers of a value. */
export interface Evidence {
  /** What tells it: "Softmax", "Sigmoid", "Clip", … */
  readonly by: string;
  /** The smallest and the largest number that there can be; the border lies halfway. */
  readonly low: number;
  readonly high: number;
  /** Whether the numbers are logarithms of those between `low` and `high`. */
  readonly isLog?: boolean;
  /** Whether the numbers (before their logarithm) are the odds p ÷ (1 − p) of those between 0 and 1. */
  readonly isOdds?: boolean;
  /** Axis along which classes exclude each other. */
  readonly axis: number | undefined;
  /** Where the numbers are of some of the classes that exclude each other. */
  readonly picked?: Picked | undefined;
  readonly saturating: readonly Saturating[];
}

/** Where a channel changes its label: halfway. */
export function middleOf({ low, high, isLog, isOdds }: Evidence): number {
  const middle = isOdds === true ? 1 : (low + high) / 2;
  return isLog === true ? Math.log(middle) : middle;
}
