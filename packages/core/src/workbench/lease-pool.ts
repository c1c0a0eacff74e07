import { released } from "../open-session.ts";

/** A share in something that is loaded; it stays loaded at least until `done`. */
export interface Lease<Value> {
  readonly value: Value;
  /** Gives the share back; again and again is allowed. */
  done(): void;
}

interface Entry<Value> {
  readonly value: Promise<Value>;
  users: number;
}

/**
 * Things that are costly to load, by key: loaded once however many ask for them at the same time, kept
 * while they are used, the most recent also afterwards. What failed to load is forgotten.
 */
export class LeasePool<Value> {
  readonly #free: (value: Value) => Promise<void>;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #freeing = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  /** @param free gives a value's memory back */
  constructor(free: (value: Value) => Promise<void>) {
    this.#free = free;
  }

  /** The key that was leased last, among those that are loaded. */
  get latest(): string | undefined {
    return [...this.#entries.keys()].at(-1);
  }

  /**
   * A share in what belongs to a key.
   *
   * @param make loads it, where it is not loaded
   * @throws AsmaError `ERR_RELEASED` after {@link close}; whatever `make` throws
   */
  async lease(key: string, make: () => Promise<Value>): Promise<Lease<Value>> {
    if (this.#closing !== undefined) {
      throw released();
    }
    const entry = this.#entries.get(key) ?? this.#load(make);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users += 1;
    let value: Value;
    try {
      value = await entry.value;
    } catch (error) {
      if (this.#entries.get(key) === entry) {
        this.#entries.delete(key);
      }
      throw error;
    }
    let isDone = false;
    const done = () => {
      if (!isDone) {
        isDone = true;
        entry.users -= 1;
        this.#trim(1);
      }
    };
    if (this.#closing !== undefined) {
      done();
      throw released();
    }
    return { value, done };
  }

  /** Frees everything, also what is in use: whoever uses it is refused from then on. */
  async close(): Promise<void> {
    this.#closing ??= this.#freeAll();
    await this.#closing;
  }

  #load(make: () => Promise<Value>): Entry<Value> {
    // Not both at once in memory, where that can be helped.
    this.#trim(0);
    return { value: make(), users: 0 };
  }

  async #freeAll(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    const freeing = entries.map(async ({ value }) => {
      const loaded = await value.then(
        (each) => [each],
        () => [],
      );
      await Promise.all(loaded.map(this.#free));
    });
    await Promise.all([...freeing, ...this.#freeing]);
  }

  /** Frees what nobody uses, but for the most recent ones. */
  #trim(kept: number): void {
    const idle = [...this.#entries].filter(([, { users }]) => users === 0);
    for (const [key, { value }] of idle.slice(0, Math.max(0, idle.length - kept))) {
      this.#entries.delete(key);
      const freeing = value.then(this.#free);
      this.#freeing.add(freeing);
      void freeing.finally(() => this.#freeing.delete(freeing)).catch(() => undefined);
    }
  }
}
