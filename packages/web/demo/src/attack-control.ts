import type {
  Attack,
  AttackResult,
  ImageTensor,
  LabelMap,
  RunAttackOptions,
  WebAttackStep,
} from "@onnx-asma/web";

/** What is told about a running attack. */
export interface ControlEvents {
  /** A step; the attack goes on when this has settled. */
  step(step: WebAttackStep): Promise<void>;
  paused(isPaused: boolean): void;
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
    attack: Attack,
    image: ImageTensor,
    target: LabelMap,
    options: RunAttackOptions,
  ): Promise<AttackResult> {
    const { signal } = this.#abort;
    const run = await attack.run(image, target, { ...options, signal });
    for await (const step of run) {
      await this.#events.step(step);
      if (this.#isPaused && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
    }
    return await run.result;
  }

  toggle(): void {
    this.#isPaused = !this.#isPaused;
    if (!this.#isPaused) {
      this.#resume?.();
    }
    this.#events.paused(this.#isPaused);
  }

  stop(): void {
    this.#isPaused = false;
    this.#abort.abort();
  }
}
