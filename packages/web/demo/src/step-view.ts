import type { AttackStep, StepRecord } from "@onnx-asma/web";
import type { Curves } from "./curves.ts";
import { element } from "./element.ts";
import { percent } from "./percent.ts";
import { say } from "./say.ts";
import type { Scene } from "./scene.ts";
import { clearIterate, drawIterate } from "./stage.ts";

/** Shows steps: numbers of each, pictures as often as the screen and the processor allow. */
export class StepView {
  readonly trajectory: StepRecord[] = [];
  readonly #scene: Scene;
  readonly #curves: Curves;
  #shownAt = 0;
  #saidAt = 0;

  constructor(scene: Scene, curves: Curves) {
    this.#scene = scene;
    this.#curves = curves;
    clearSteps(scene, curves);
  }

  async show(step: AttackStep): Promise<void> {
    this.trajectory.push(step);
    element("step").textContent = String(step.step);
    element("iou").textContent = percent(step.iou);
    element("accuracy").textContent = percent(step.pixelAccuracy);
    element("l2").textContent = step.l2.toPrecision(3);
    element("linf").textContent = step.linf.toPrecision(3);
    element("time").textContent = `${Math.round(step.milliseconds)} ms`;
    const now = performance.now();
    if (now - this.#saidAt > 4000) {
      this.#saidAt = now;
      say(`Step ${step.step}: IoU with the target ${percent(step.iou)}.`);
    }
    if (now - this.#shownAt < 250 && !step.reached) {
      return;
    }
    const [image, prediction] = [await step.image(), await step.prediction()];
    await drawIterate(this.#scene, { image, prediction, linf: step.linf });
    this.#curves.draw(this.trajectory);
    this.#shownAt = performance.now();
  }
}

/** Takes away what is shown of a former run. */
export function clearSteps(scene: Scene, curves: Curves): void {
  for (const id of ["step", "iou", "accuracy", "l2", "linf", "time"]) {
    element(id).textContent = "–";
  }
  curves.draw([]);
  clearIterate(scene);
}
