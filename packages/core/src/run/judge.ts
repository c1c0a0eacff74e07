import type { JudgedRecord, StepRecord } from "../attack/step-record.ts";
import type { Goal } from "../goal/goal.ts";
import type { Thresholds } from "../metrics/thresholds.ts";
import type { ImageTensor, LabelMap } from "../image.ts";

/** Who decides whether a goal is reached: the untouched model, with the kernels that it runs on. */
export interface Judge {
  /** What the model draws on an image as it would be saved. */
  predict(image: ImageTensor): Promise<LabelMap>;
}

/** Judgements of one run at most, beside the last one. */
const mostJudgements = 32;

/** Margin that the first disagreement asks of every pixel, in mean leads of a score. */
const firstMargin = 0.02;

/**
 * When the judge is asked, and how much more is wanted after it disagreed with the step graph: rounding,
 * other kernels or a defence may let the two see different pixels.
 */
export class Judging {
  /** Times the judge was asked. */
  count = 0;
  readonly #goal: Goal;
  #raised: Thresholds;
  #disagreements = 0;
  #margin = 0;
  #nextAt = 0;
  #isRejected = false;

  constructor(goal: Goal) {
    this.#goal = goal;
    this.#raised = goal.options.thresholds;
  }

  /** What the next step is told: what it has to see, and whether the judge has just refused what it saw. */
  takeNumbers() {
    const isRejected = this.#isRejected ? 1 : 0;
    this.#isRejected = false;
    return {
      margin: this.#margin,
      iouThreshold: this.#raised.iou,
      pixelAccuracyThreshold: this.#raised.pixelAccuracy,
      isRejected,
    };
  }

  /** Whether an iterate that seems to reach the goal is to be judged now. */
  isDue(record: StepRecord): boolean {
    return (
      record.step >= this.#nextAt &&
      this.count < mostJudgements &&
      this.#goal.holds(record, this.#raised)
    );
  }

  /**
   * Told what the judge said of an iterate that seemed to reach the goal.
   *
   * @param lead mean lead of the scores of the labels, in absolute terms
   */
  told(record: StepRecord, judged: JudgedRecord, lead: number): void {
    this.count += 1;
    if (judged.reached) {
      this.#nextAt = record.step + this.count;
      return;
    }
    this.#disagreements += 1;
    this.#isRejected = true;
    this.#nextAt = record.step + this.#disagreements;
    this.#margin = lead * firstMargin * 2 ** (this.#disagreements - 1);
    const { thresholds } = this.#goal.options;
    const [seemed, is] = [this.#goal.progress(record), this.#goal.progress(judged)];
    // What is missing on the way to 1 halves each time: more than everything cannot be asked.
    const raise = (key: keyof Thresholds) =>
      Math.min(
        thresholds[key] + Math.max(0, seemed[key] - is[key]),
        1 - (1 - thresholds[key]) * 0.5 ** this.#disagreements,
      );
    this.#raised = { iou: raise("iou"), pixelAccuracy: raise("pixelAccuracy") };
  }
}
