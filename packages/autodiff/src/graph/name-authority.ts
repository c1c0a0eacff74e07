/** Hands out names that nobody uses yet. */
export class NameAuthority {
  readonly #taken: Set<string>;
  readonly #counters = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** `wanted` itself if it is free, otherwise `wanted_1`, `wanted_2`, … */
  unique(wanted: string): string {
    let name = wanted;
    let counter = this.#counters.get(wanted) ?? 0;
    while (this.#taken.has(name)) {
      counter += 1;
      name = `${wanted}_${counter}`;
    }
    this.#counters.set(wanted, counter);
    this.#taken.add(name);
    return name;
  }
}
