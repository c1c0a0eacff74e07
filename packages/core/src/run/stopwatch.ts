/** Measures work that pauses. */
export class Stopwatch {
  #before = 0;
  #startedAt: number | undefined;

  /** Goes on; without effect while it runs. */
  start(): void {
    this.#startedAt ??= performance.now();
  }

  stop(): void {
    this.#before = this.seconds;
    this.#startedAt = undefined;
  }

  /** Seconds between starts and stops so far. */
  get seconds(): number {
    const since = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
    return this.#before + since / 1000;
  }
}
