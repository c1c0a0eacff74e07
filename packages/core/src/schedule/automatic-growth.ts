/** Steps after which a step size that was found automatically looks back. */
const window = 12;

/** Share of the wrong pixels that has to be gone by then for the step size to stay as it is. */
const enough = 0.1;

/** By how much it changes otherwise, and how far it may grow. */
const change = 1.3;
const largestGrowth = 8;

/**
 * The factor of a step size that was found from the first gradient: when too few wrong pixels went in a
 * while, it changes. The last wrong pixels have a small gradient, which nobody knows beforehand, so the
 * steps grow at first; large steps that do not help shrink again.
 */
export class AutomaticGrowth {
  /** 1 to 8. */
  factor = 1;
  #direction = change;
  #fewest = Number.POSITIVE_INFINITY;
  #fewestBefore = Number.POSITIVE_INFINITY;

  /** Told how many pixels were wrong at step n. */
  told(n: number, wrongPixels: number): void {
    this.#fewest = Math.min(this.#fewest, wrongPixels);
    if ((n + 1) % window !== 0) {
      return;
    }
    if (this.#fewest > (1 - enough) * this.#fewestBefore) {
      const grown = this.factor * this.#direction;
      if (grown > largestGrowth || grown < 1) {
        this.#direction = 1 / this.#direction;
      }
      this.factor *= this.#direction;
    }
    this.#fewestBefore = this.#fewest;
  }
}
