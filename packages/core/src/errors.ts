import type { AutodiffErrorCode } from "@onnx-asma/autodiff";
import { optionsIn } from "./option-words.ts";

/** The codes of core and the packages on top of it; docs/errors.md says when each is thrown. */
export const errorCodes = [
  "ERR_ABORTED",
  "ERR_ARRAY_DTYPE",
  "ERR_ARRAY_SHAPE",
  "ERR_ATTACK",
  "ERR_BATCH",
  "ERR_CLASS",
  "ERR_CLASSES",
  "ERR_DEVICE",
  "ERR_DEVICE_LOST",
  "ERR_DEVICE_NUMBERS",
  "ERR_EXTERNAL_DATA",
  "ERR_FILE_NOT_FOUND",
  "ERR_FILE_NOT_READABLE",
  "ERR_FLAVOUR",
  "ERR_FOLDER_NOT_WRITABLE",
  "ERR_GRADIENT_NAN",
  "ERR_GRADIENT_ZERO",
  "ERR_IMAGE_ALPHA",
  "ERR_IMAGE_BIT_DEPTH",
  "ERR_IMAGE_CHANNELS",
  "ERR_IMAGE_COLOUR_SPACE",
  "ERR_IMAGE_DIMS",
  "ERR_IMAGE_INPUT",
  "ERR_IMAGE_LOSSY",
  "ERR_IMAGE_RANGE",
  "ERR_IMAGE_TOO_LARGE",
  "ERR_IMAGE_UNREADABLE",
  "ERR_INPUT_DIMS",
  "ERR_IOU_DEFINITION",
  "ERR_JUDGE",
  "ERR_MASK_VALUES",
  "ERR_MODEL_METADATA",
  "ERR_MODEL_REFUSED",
  "ERR_MODEL_UNREADABLE",
  "ERR_NO_GRADIENT",
  "ERR_ON_DEVICE",
  "ERR_OPTION",
  "ERR_OUTPUT",
  "ERR_OUT_OF_MEMORY",
  "ERR_PREPROCESSING",
  "ERR_PREPROCESSOR",
  "ERR_PROVIDER",
  "ERR_REGION",
  "ERR_RELEASED",
  "ERR_RESULTS_EXIST",
  "ERR_RUNTIME",
  "ERR_RUN_ENDED",
  "ERR_SESSION",
  "ERR_STEP_FAILED",
  "ERR_STEP_GONE",
  "ERR_STEP_SIZE",
  "ERR_TARGET_CLASS",
  "ERR_TARGET_EMPTY",
  "ERR_TARGET_SIZE",
  "ERR_TORCH",
  "ERR_TRAINING_FORWARD",
  "ERR_TRAINING_GRAPH",
  "ERR_UNEXPECTED",
  "ERR_USAGE",
  "ERR_WASM_FILES",
  "ERR_WORKER",
] as const;

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
  return new AsmaError(code, `Expected ${expected} but ${found}${end}.`, options);
}
