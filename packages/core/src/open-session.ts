import type { Runtime, Session, SessionOptions, WrittenModel } from "@onnx-asma/autodiff";
import { AsmaError } from "./errors.ts";

type Feeds = Parameters<Session["run"]>[0];
type Fetches = Parameters<Session["run"]>[1];
type Results = Awaited<ReturnType<Session["run"]>>;

/**
 * A loaded graph that can be released at any time: runs that are under way end first, later ones are
 * refused, and what the runtime throws becomes an error of ours.
 */
export class LeasedSession {
  readonly #session: Session;
  readonly #what: string;
  readonly #underWay = new Set<Promise<unknown>>();
  #release: Promise<void> | undefined;

  /** Made by {@link openSession}. */
  constructor(session: Session, what: string) {
    this.#session = session;
    this.#what = what;
  }

  /**
   * Runs the graph.
   *
   * @param fetches names of the outputs, or tensors to write them to; all outputs without
   * @throws AsmaError `ERR_RELEASED` after {@link release}; `ERR_RUNTIME` with the runtime's reason
   */
  async run(feeds: Feeds, fetches?: Fetches | readonly string[]): Promise<Results> {
    if (this.#release !== undefined) {
      throw released();
    }
    const run = this.#run(feeds, fetches as Fetches | undefined);
    this.#underWay.add(run);
    try {
      return await run;
    } catch (cause) {
      throw new AsmaError(
        "ERR_RUNTIME",
        `ONNX Runtime failed while it ran ${this.#what}: ${reasonOf(cause)}.`,
        { cause },
      );
    } finally {
      this.#underWay.delete(run);
    }
  }

  async #run(feeds: Feeds, fetches: Fetches | undefined): Promise<Results> {
    return await (fetches === undefined
      ? this.#session.run(feeds)
      : this.#session.run(feeds, fetches));
  }

  /** Gives the memory back once no run is under way; again and again is allowed. */
  async release(): Promise<void> {
    this.#release ??= this.#end();
    await this.#release;
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    try {
      await this.#session.release();
    } catch (cause) {
      throw new AsmaError(
        "ERR_RUNTIME",
        `ONNX Runtime failed while it released ${this.#what}: ${reasonOf(cause)}.`,
        { cause },
      );
    }
  }
}

/**
 * Loads a graph in the runtime.
 *
 * @param what names it in errors
 * @throws AsmaError `ERR_SESSION` with the runtime's reason and the execution providers asked for
 */
export async function openSession(
  runtime: Runtime,
  { bytes, externalData }: WrittenModel,
  options: SessionOptions | undefined,
  what: string,
): Promise<LeasedSession> {
  try {
    const session = await runtime.InferenceSession.create(bytes, {
      logSeverityLevel: 3,
      ...options,
      externalData: [...externalData],
    });
    return new LeasedSession(session, what);
  } catch (cause) {
    const providers = (options?.executionProviders ?? ["cpu"])
      .map((provider) => (typeof provider === "string" ? provider : provider.name))
      .join(", ");
    const reason = reasonOf(cause);
    const isProvider = !/^(cpu|wasm)$/.test(providers) || /implementation|provider/i.test(reason);
    const wayOut = isProvider ? " Try another execution provider." : "";
    throw new AsmaError(
      "ERR_SESSION",
      `ONNX Runtime cannot load ${what} on ${providers}: ${reason}.${wayOut}`,
      { cause },
    );
  }
}

/** The error for whatever is asked of a model that was released. */
export function released(): AsmaError {
  return new AsmaError("ERR_RELEASED", "This model was released: load it again.");
}

function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  // An exception of its own that a WebAssembly build lets through comes as its address.
  return /^\d+$/.test(text) ? "it stopped without a reason (memory, or the device)" : text;
}
