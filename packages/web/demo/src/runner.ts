import { isAsmaError, type AttackResult } from "@onnx-asma/web";
import { AttackControl } from "./attack-control.ts";
import { isOn } from "./buttons.ts";
import type { Curves } from "./curves.ts";
import { element } from "./element.ts";
import { iterateOf, recordFiles } from "./outcome.ts";
import type { Plan } from "./planner.ts";
import { enter } from "./phase.ts";
import { complainAt, mended } from "./problems.ts";
import type { ResultView } from "./result-view.ts";
import { say } from "./say.ts";
import type { Stage } from "./stage.ts";
import { showNumbers, StepView } from "./step-view.ts";
import { inWords } from "./words.ts";

/** Where an attack is shown. */
export interface Shown {
  readonly stage: Stage;
  readonly curves: Curves;
  readonly ending: ResultView;
}

/** Runs attacks: start, pause, stop, and what is shown meanwhile. */
export class Runner {
  readonly #shown: Shown;
  readonly #revive: () => void;
  #control: AttackControl | undefined;
  #isStopping = false;

  /** @param revive loads the model again where an attack has ended its worker */
  constructor(shown: Shown, revive: () => void) {
    this.#shown = shown;
    this.#revive = revive;
  }

  /** Runs an attack to its end, which it may be stopped at. What fails is said, and the page goes on. */
  async run(plan: Plan): Promise<void> {
    mended("start");
    this.#isStopping = false;
    enter("running");
    this.#shown.ending.show(undefined);
    let isStoppedAtOnce = false;
    this.#stopAtOnce = () => {
      isStoppedAtOnce = true;
      void plan.scene.model.release();
    };
    try {
      await this.#attack(plan);
    } catch (error) {
      if (isStoppedAtOnce) {
        say("Stopped at once: what the attack had come to is lost.");
      } else {
        await this.#complain(error, plan);
      }
    } finally {
      this.#control = undefined;
      enter("ready");
      this.#revive();
    }
  }

  /** Pauses after the step that is under way, or goes on. */
  pause(): void {
    const isPausing = this.#control?.toggle() === true;
    element("pause").textContent = isPausing ? "Resume" : "Pause";
    say(isPausing ? "Pausing after this step…" : "Going on.");
  }

  /** Stops after the step that is under way; asked once more by its button, at once. */
  stop(isByButton: boolean): void {
    if (!isOn("stop")) {
      return;
    }
    if (!this.#isStopping) {
      this.#isStopping = true;
      this.#control?.stop();
      element("stop").textContent = "Stop at once";
      say("Stopping after this step…");
    } else if (isByButton) {
      this.#stopAtOnce();
    }
  }

  #stopAtOnce: () => void = () => undefined;

  async #attack(plan: Plan): Promise<void> {
    const { scene, target, choice, aims } = plan;
    const { stage, curves } = this.#shown;
    const view = new StepView(stage, curves, aims);
    this.#control = new AttackControl({
      step: (step) => view.show(step),
      paused: () => say(`Paused at step ${view.trajectory.length - 1}.`),
    });
    say("Building the attack: the gradient of the model becomes a graph…");
    const result = await this.#control.run(scene.model, scene.image, target, choice);
    try {
      await this.#end(plan, result);
    } catch (error) {
      this.#shown.ending.show({ plan, result, recorded: undefined });
      throw error;
    }
  }

  /** Checks and shows what an attack came to. */
  async #end(plan: Plan, result: AttackResult, failure?: unknown): Promise<void> {
    const { stage, curves, ending } = this.#shown;
    say("Checking the bytes of the saved image…");
    const recorded = await recordFiles(plan, result, failure);
    await stage.showIterate(iterateOf(result, recorded));
    showNumbers({ ...recorded.record.saved, step: result.best.step });
    curves.draw(result.trajectory, { ...plan.aims, best: result.best.step });
    ending.show({ plan, result, recorded });
  }

  async #complain(error: unknown, plan: Plan): Promise<void> {
    if (isAsmaError(error) && error.partial !== undefined) {
      const result = error.partial as AttackResult;
      await this.#end(plan, result, error).catch(() =>
        this.#shown.ending.show({ plan, result, recorded: undefined }),
      );
    }
    const text = error instanceof Error ? error.message : String(error);
    complainAt(plan.fieldOf(error), inWords(text));
    say("The attack failed.");
  }
}
