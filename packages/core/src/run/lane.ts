import type { Schedule } from "../attack/recipe.ts";
import type { JudgedRecord, StepRecord } from "../attack/step-record.ts";
import { AsmaError } from "../errors.ts";
import type { Candidate } from "../goal/goal.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import { absentPixels } from "../metrics/iou.ts";
import { confusionMatrix } from "../metrics/confusion-matrix.ts";
import type { Iterates, StepMetrics, StepNumbers } from "../step/iterates.ts";
import type { Slot } from "../step/kept-iterates.ts";
import type { AttackResult, StopReason } from "./attack-result.ts";
import type { AttackInput, AttackTask } from "./attack-task.ts";
import { checkNumbers } from "./check-numbers.ts";
import { explainGradient, explainSaturation } from "./explain-gradient.ts";
import { Judging } from "./judge.ts";
import { judgedRecordOf } from "./judged-record.ts";
import { resultOf, toImage } from "./result-of.ts";
import { isNumber, recordOf, type Measured } from "./step-metrics-record.ts";

/** What {@link Lane.take} says of an iterate. */
export interface Taken {
  readonly record: StepRecord;
  readonly reached: boolean;
  readonly isBest: boolean;
}

/** One of the images of a run: its numbers, its best iterate, its judgements and its end. */
export class Lane {
  readonly index: number;
  readonly trajectory: StepRecord[] = [];
  /** What ended this image before its time. */
  error: unknown;
  result: AttackResult | undefined;
  readonly #task: AttackTask;
  readonly #input: AttackInput;
  readonly #iterates: Iterates;
  readonly #schedule: Schedule;
  readonly #judging: Judging;
  readonly #notices: string[] = [];
  #hasRemark = false;
  /** The step whose images can be asked for. */
  #shown: number | undefined;
  #absentBefore = 0;
  #forwards = 0;
  #backwards = 0;
  #best: Candidate | undefined;
  /** Seems to be better than the best, and was not judged. */
  #candidate: Candidate | undefined;
  #last: { readonly metrics: StepMetrics; readonly reached: boolean } | undefined;

  constructor(task: AttackTask, index: number, iterates: Iterates, schedule: Schedule) {
    this.#task = task;
    this.index = index;
    this.#input = task.inputs[index] as AttackInput;
    this.#iterates = iterates;
    this.#schedule = schedule;
    this.#judging = new Judging(task.goal);
  }

  get isActive(): boolean {
    return this.result === undefined && this.error === undefined;
  }

  get absentBefore(): number {
    return this.#absentBefore;
  }

  /** Looks at the untouched image, where the goal is measured from it. */
  async begin(original: ImageTensor): Promise<void> {
    const { judge, options } = this.#task;
    if (judge !== undefined && options.iouDefinition === "erased") {
      this.#absentBefore = absentPixels(this.#matrix(await judge.predict(original)));
      this.#forwards += 1;
    }
  }

  /** The numbers of step n. */
  numbers(n: number): StepNumbers {
    return {
      isFirst: n === 0 ? 1 : 0,
      absentBefore: this.#absentBefore,
      ...this.#judging.takeNumbers(),
      ...(this.isActive || n === 0 ? checkNumbers(this.#schedule.next(n), this.#task) : this.#idle),
    };
  }

  /** Numbers that keep an image still that has ended. */
  get #idle(): StepNumbers {
    return Object.fromEntries(this.#task.step.graph.numbers.map((name) => [name, 0]));
  }

  /**
   * Takes in what step n came to; whether it reached the goal is the judge's to say.
   *
   * @param unclipped IoU and norms of the image that the recipe wanted measured
   */
  async take(n: number, metrics: StepMetrics, unclipped: Measured | undefined): Promise<Taken> {
    const { goal, judge } = this.#task;
    this.#forwards += unclipped === undefined ? 1 : 2;
    this.#backwards += 1;
    if (n === 0 && judge === undefined) {
      this.#absentBefore = metrics.absentPixels;
    }
    let record = recordOf(n, metrics, { unclipped, targeted: this.#task.options.targeted });
    if (n === 0) {
      this.#checkGradient(metrics, record);
      this.#notices.push(...explainSaturation(this.#task.step.model, metrics));
    }
    let reached = goal.holds(record) && goal.admits(record);
    let isOpen = false;
    if (reached && judge !== undefined) {
      const isBetter = goal.isBetter({ record, reached }, this.#best);
      if (this.#judging.isDue(record) && isBetter) {
        const judged = await this.#ask(await this.#iterates.readImage(this.index));
        this.#judging.told(record, judged, metrics.lead);
        record = { ...record, judged };
        reached = judged.reached;
      } else {
        isOpen = isBetter && goal.isBetter({ record, reached }, this.#candidate);
        reached = false;
      }
    }
    const isBest = !isOpen && this.#offer({ record, reached });
    if (isOpen) {
      this.#candidate = { record, reached: true };
      this.#iterates.keep("candidate", this.index);
    }
    this.trajectory.push(record);
    this.#shown = n;
    this.#last = { metrics, reached };
    const remark = this.#schedule.told?.(record);
    if (remark !== undefined && !this.#hasRemark) {
      this.#hasRemark = true;
      this.#notices.push(remark);
    }
    return { record, reached, isBest };
  }

  /** Why the run of this image ends after the step that was taken in; `undefined` if it goes on. */
  get ending(): StopReason | undefined {
    const { options } = this.#task;
    const record = this.trajectory.at(-1) as StepRecord;
    const { metrics, reached } = this.#last as { metrics: StepMetrics; reached: boolean };
    if (reached && options.earlyStop) {
      return "reached";
    }
    if (record.step === options.iterations) {
      return "iterations";
    }
    if (!isNumber(metrics)) {
      return "gradient not a number";
    }
    return metrics.gradientLinf === 0 && record.wrongPixels > 0 ? "gradient vanished" : undefined;
  }

  /** Ends the run of this image on the iterate that was taken in last; nothing without one. */
  async end(stopReason: StopReason, seconds: number): Promise<void> {
    const record = this.trajectory.at(-1);
    if (record === undefined || this.result !== undefined) {
      return;
    }
    const last = {
      image: await this.#iterates.readImage(this.index),
      prediction: await this.#iterates.readPrediction(this.index),
    };
    const isLastKept = this.#task.goal.options.keeps === "last";
    if (isLastKept) {
      await this.#keepLast(record, stopReason);
    } else if (stopReason !== "failed") {
      await this.#settleCandidate();
    }
    const best = this.#best as Candidate;
    this.result = resultOf(this.#task, this.#input, {
      reached: best.reached,
      stopReason,
      best: {
        record: best.record,
        arrays: isLastKept ? last : await this.#iterates.readKept("best", this.index),
      },
      last: { record: this.trajectory.at(-1) as StepRecord, arrays: last },
      trajectory: this.trajectory,
      passes: {
        forwards: this.#forwards,
        backwards: this.#backwards,
        judgements: this.#judging.count,
      },
      notices: this.#notices,
      seconds,
    });
  }

  /** The next step takes the place of the one that was taken in last. */
  leaveStep(): void {
    this.#shown = undefined;
  }

  /**
   * x_n as it is handed out.
   *
   * @throws AsmaError `ERR_STEP_GONE` after the next step was asked for
   */
  async readImage(n: number): Promise<ImageTensor> {
    this.#checkShown(n);
    return toImage(await this.#iterates.readImage(this.index), this.#input, this.#task.options);
  }

  /** The prediction at x_n; as {@link readImage}. */
  async readPrediction(n: number): Promise<LabelMap> {
    this.#checkShown(n);
    const data = await this.#iterates.readPrediction(this.index);
    return { data, dims: this.#input.target.dims };
  }

  #checkShown(n: number): void {
    if (this.#shown !== n) {
      throw new AsmaError(
        "ERR_STEP_GONE",
        `The images of step ${n} are gone: ask for them before the next step.`,
      );
    }
  }

  #offer(candidate: Candidate): boolean {
    const { goal } = this.#task;
    // What lies outside the budget is handed back only while there is nothing else.
    const isEligible = goal.admits(candidate.record) || this.#best === undefined;
    const isBetter =
      isEligible &&
      (this.#best === undefined ||
        !goal.admits(this.#best.record) ||
        goal.isBetter(candidate, this.#best));
    if (isBetter) {
      this.#best = candidate;
      this.#iterates.keep("best", this.index);
    }
    return isBetter;
  }

  /** The iterate that was not judged on the way takes the place of the best if the judge agrees. */
  async #settleCandidate(): Promise<void> {
    const candidate = this.#candidate;
    if (candidate === undefined || !this.#task.goal.isBetter(candidate, this.#best)) {
      return;
    }
    const { image } = await this.#iterates.readKept("candidate", this.index);
    const record = await this.#judgeAfterwards(candidate.record, image);
    const judged = { record, reached: record.judged?.reached === true };
    if (this.#task.goal.isBetter(judged, this.#best)) {
      this.#best = judged;
      this.#iterates.move("candidate" satisfies Slot, "best", this.index);
    }
  }

  async #keepLast(record: StepRecord, stopReason: StopReason): Promise<void> {
    const { goal, judge } = this.#task;
    const isOpen = goal.holds(record) && judge !== undefined && record.judged === undefined;
    const judged =
      isOpen && stopReason !== "failed"
        ? await this.#judgeAfterwards(record, await this.#iterates.readImage(this.index))
        : record;
    this.#best = {
      record: judged,
      reached: judge === undefined ? goal.holds(record) : judged.judged?.reached === true,
    };
  }

  async #judgeAfterwards(record: StepRecord, image: Float32Array): Promise<StepRecord> {
    const judged = { ...record, judged: await this.#ask(image) };
    this.#judging.count += 1;
    this.trajectory[record.step] = judged;
    return judged;
  }

  async #ask(image: Float32Array): Promise<JudgedRecord> {
    const { judge, goal, options } = this.#task;
    const prediction = await (judge as NonNullable<AttackTask["judge"]>).predict(
      toImage(image, this.#input, options),
    );
    this.#forwards += 1;
    const { iouDefinition, targeted } = options;
    return judgedRecordOf(this.#matrix(prediction), {
      goal,
      targeted,
      iouDefinition,
      absentBefore: this.#absentBefore,
    });
  }

  #matrix(prediction: LabelMap) {
    const { classes } = this.#task.step.model.description.head;
    return confusionMatrix(prediction, this.#input.target, classes);
  }

  /** @throws AsmaError `ERR_GRADIENT_NAN`, `ERR_GRADIENT_ZERO` when nothing can be climbed from the start */
  #checkGradient(metrics: StepMetrics, { wrongPixels }: StepRecord): void {
    if (!isNumber(metrics) || (metrics.gradientLinf === 0 && wrongPixels > 0)) {
      const { model } = this.#task.step;
      throw explainGradient(model, metrics, this.#input.region !== undefined);
    }
  }
}
