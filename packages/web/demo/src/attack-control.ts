import type {
  AttackChoice,
  AttackResult,
  AttackStep,
  ImageTensor,
  LabelMap,
  LoadedModel,
} from "@onnx-asma/web";

/** What is told about a running attack. */
export interface ControlEvents {
  /** A step; the attack goes on when this has settled. */
  step(step: AttackStep): Promise<void>;
  /** The step that was under way has come, and none is. */
  paused(): void;
}

/** Start, pause, resume and stop of one attack. */
export class AttackControl {
  readonly #events: ControlEvents;
  readonly #abort = new AbortController();
  #resume: (() => void) | undefined;
  #isPaused = false;

  constructor(events: ControlEvents) {
    this.#events = events;
    this.#abort.signal.addEventListener("abort", () => this.#resume?.());
  }

  /** Runs to the end; pausing is not asking for the next step. */
  async run(
    model: LoadedModel,
    image: ImageTensor,
    target: LabelMap,
    choice: AttackChoice,
  ): Promise<AttackResult> {
    const { signal } = this.#abort;
    const run = await model.attack(image, target, { ...choice, signal });
    for await (const step of run) {
      await this.#events.step(step);
      if (this.#isPaused && !signal.aborted) {
        this.#events.paused();
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
    }
    return await run.result;
  }

  /** Pauses after the step that is under way, or goes on. @returns whether it pauses */
  toggle(): boolean {
    this.#isPaused = !this.#isPaused;
    if (!this.#isPaused) {
      this.#resume?.();
    }
    return this.#isPaused;
  }

  stop(): void {
    this.#isPaused = false;
    this.#abort.abort();
  }
}
