import { percent } from "@onnx-asma/core/verdict-words";
import type { AttackStep, StepRecord } from "@onnx-asma/web";
import type { Aims, Curves } from "./curves.ts";
import { element } from "./element.ts";
import { say } from "./say.ts";
import type { Stage } from "./stage.ts";

/** Shows steps: numbers of each, pictures as often as the screen and the processor allow. */
export class StepView {
  readonly trajectory: StepRecord[] = [];
  readonly #stage: Stage;
  readonly #curves: Curves;
  readonly #aims: Aims;
  #shownAt = 0;
  #saidAt = 0;

  constructor(stage: Stage, curves: Curves, aims: Aims) {
    this.#stage = stage;
    this.#curves = curves;
    this.#aims = aims;
    clearSteps(stage, curves);
  }

  async show(step: AttackStep): Promise<void> {
    this.trajectory.push(step);
    showNumbers(step);
    element("time").textContent = `${Math.round(step.milliseconds)} ms`;
    const now = performance.now();
    if (now - this.#saidAt > 4000) {
      this.#saidAt = now;
      say(`Step ${step.step}: ${percent(step.iou)} IoU with the target.`);
    }
    if (now - this.#shownAt < 250 && !step.reached) {
      return;
    }
    const [image, prediction] = [await step.image(), await step.prediction()];
    await this.#stage.showIterate({ image, prediction, linf: step.linf });
    this.#curves.draw(this.trajectory, this.#aims);
    this.#shownAt = performance.now();
  }
}

/** Shows the numbers of a step. */
export function showNumbers(
  step: Pick<StepRecord, "step" | "iou" | "pixelAccuracy" | "l2" | "linf">,
): void {
  element("step").textContent = String(step.step);
  element("iou").textContent = percent(step.iou);
  element("accuracy").textContent = percent(step.pixelAccuracy);
  element("l2").textContent = step.l2.toPrecision(3);
  element("linf").textContent = step.linf.toPrecision(3);
}

/** Takes away what is shown of a former run. */
export function clearSteps(stage: Stage, curves: Curves): void {
  for (const id of ["step", "iou", "accuracy", "l2", "linf", "time"]) {
    element(id).textContent = "–";
  }
  curves.clear();
  stage.clear();
}
