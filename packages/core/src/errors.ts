import type { AutodiffErrorCode } from "@onnx-asma/autodiff";
import type { errorCodes } from "./error-codes.ts";
import { optionsIn } from "./option-words.ts";

/** The code of an {@link AsmaError}; those of autodiff cross from a worker as such. */
export type ErrorCode = (typeof errorCodes)[number] | AutodiffErrorCode;

/** Options of {@link AsmaError}. */
export interface AsmaErrorOptions<Partial = unknown> {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Machine-readable facts: paths, dims, classes. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** What was computed before it: of a run, its result so far. */
  readonly partial?: Partial | undefined;
}

/**
 * The one error class of core and its adapters.
 *
 * `code` is stable (`ERR_…`) and meant for programs; `message` is meant for people and names the
 * thing, what was expected, what was found and the way out. It names options in backticks by their keys;
 * `sayOptions` puts them in the words of a host.
 */
export class AsmaError<Partial = unknown> extends Error {
  override readonly name = "AsmaError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  /** Keys of the options that the message names. */
  readonly options: readonly string[];
  /** What was computed before the error, where there is something: of a run, its result so far. */
  readonly partial: Partial | undefined;

  constructor(code: ErrorCode, message: string, options: AsmaErrorOptions<Partial> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.options = optionsIn(message);
    this.partial = options.partial;
  }
}

/** Whether `error` is an {@link AsmaError}. */
export function isAsmaError(error: unknown): error is AsmaError {
  return error instanceof Error && error.name === "AsmaError" && "code" in error;
}

/** What {@link refusal} says; each a part of a sentence. */
export interface Refusal extends AsmaErrorOptions {
  /** What would have been right: "an image of 3 channels". */
  readonly expected: string;
  /** What there was, with its verb: "found 4", "'a.png' has an alpha channel". */
  readonly found: string;
  /** What to do about it: "convert it to RGB first". */
  readonly wayOut?: string | undefined;
}

/** The error for something that is not as it should be: "Expected … but …: …." */
export function refusal(
  code: ErrorCode,
  { expected, found, wayOut, ...options }: Refusal,
): AsmaError {
  const end = wayOut === undefined ? "" : `: ${wayOut}`;
  const mark = end.endsWith("?") ? "" : ".";
  return new AsmaError(code, `Expected ${expected} but ${found}${end}${mark}`, options);
}
