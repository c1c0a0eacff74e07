import { AsmaError } from "@onnx-asma/core";

/** The part of an `AbortSignal` that is looked at; plain objects do. */
export interface Signal {
  readonly aborted: boolean;
  addEventListener?(type: "abort", listener: () => void): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** Lets one run at a time pass; the others wait in order. */
export class RunQueue {
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits for its turn.
   *
   * @returns what ends the turn
   * @throws AsmaError `ERR_ABORTED` when the signal is aborted before
   */
  async enter(signal: Signal | undefined): Promise<() => void> {
    let leave: () => void = () => undefined;
    const before = this.#last;
    const ended = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#last = before.then(() => ended);
    let stopWaiting: () => void = () => undefined;
    const aborted = new Promise<void>((resolve) => {
      stopWaiting = resolve;
      signal?.addEventListener?.("abort", resolve);
    });
    await Promise.race([before, aborted]);
    signal?.removeEventListener?.("abort", stopWaiting);
    if (signal?.aborted) {
      leave();
      throw new AsmaError("ERR_ABORTED", "The attack was aborted before its first step.");
    }
    return leave;
  }
}
