import type { LabelMap } from "@onnx-asma/core";

/** The prediction at one iteration. */
export interface Snapshot {
  readonly iteration: number;
  readonly prediction: LabelMap;
}

/** More are not kept. */
const most = 16;

/** Keeps predictions of a bounded number of steps, evenly spread, however long the attack runs. */
export class Snapshots {
  #kept: Snapshot[] = [];
  #stride = 1;

  /** @param prediction is asked only where it is kept */
  async offer(iteration: number, prediction: () => Promise<LabelMap>): Promise<void> {
    if (iteration % this.#stride !== 0) {
      return;
    }
    this.#kept.push({ iteration, prediction: await prediction() });
    if (this.#kept.length > most) {
      this.#stride *= 2;
      this.#kept = this.#kept.filter((snapshot) => snapshot.iteration % this.#stride === 0);
    }
  }

  get chosen(): readonly Snapshot[] {
    return this.#kept;
  }
}
