/** Options of {@link AsmaError}. */
export interface AsmaErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Machine-readable facts: paths, dims, classes. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What was computed before it: of a run, its result so far. */
  readonly partial?: unknown;
}

/**
 * The one error class of core and its adapters.
 *
 * `code` is stable (`ERR_…`) and meant for programs; `message` is meant for people and names the
 * thing, what was expected, what was found and the way out.
 */
export class AsmaError extends Error {
  override readonly name = "AsmaError";
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** What was computed before the error, where there is something: of a run, its result so far. */
  readonly partial: unknown;

  constructor(code: string, message: string, options: AsmaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.partial = options.partial;
  }
}

/** Whether `error` is an {@link AsmaError}. */
export function isAsmaError(error: unknown): error is AsmaError {
  return error instanceof Error && error.name === "AsmaError" && "code" in error;
}
