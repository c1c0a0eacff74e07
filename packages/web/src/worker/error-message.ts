import { autodiffErrorCodes } from "@onnx-asma/autodiff";
import { AsmaError, type ErrorCode } from "@onnx-asma/core";
import { errorCodes } from "@onnx-asma/core/error-codes";
import type { ErrorMessage } from "../messages.ts";

const memoryWords =
  /out of memory|\bOOM\b|bad_alloc|could not allocate|failed to allocate|allocation failed|invalid array length|invalid typed array length|not enough memory|cannot enlarge memory|failed to grow|buffer size.*exceeds|larger than the maximum/i;
const deviceWords = /device (was |is )?lost|lost device|device was destroyed/i;
/** After these, the runtime's memory cannot be trusted. */
const deadWords = /^Aborted\(|\bunreachable\b|memory access out of bounds|\bnull function\b/i;

/** Puts an error into a message; what has no code of ours gets one. */
export function toErrorMessage(error: unknown): ErrorMessage {
  const texts = textsOf(error);
  const text = texts[0] as string;
  const { code: ownCode, details, partial } = (error ?? {}) as Partial<AsmaError>;
  const code = isErrorCode(ownCode) ? ownCode : undefined;
  const matches = (words: RegExp) => texts.some((each) => words.test(each));
  // An exception of the runtime's own C++ code that nobody caught comes as a bare number.
  const isBare = (code ?? "ERR_RUNTIME") === "ERR_RUNTIME" && matches(/^\d+$/);
  const kept = { details: cloneable(details) ?? {}, partial: cloneable(partial) };
  if (matches(deviceWords)) {
    return {
      ...kept,
      code: "ERR_DEVICE_LOST",
      message: `The GPU device was lost: ${text} Load the model again, or take the device 'wasm'.`,
      isFatal: true,
    };
  }
  if (isBare || matches(memoryWords)) {
    return {
      ...kept,
      code: "ERR_OUT_OF_MEMORY",
      message: `The browser gave no more memory (${isBare ? "ONNX Runtime stopped" : text}): take a smaller image or \`resize\`, close other tabs, or use the command line.`,
      isFatal: true,
    };
  }
  return { ...kept, code: code ?? "ERR_UNEXPECTED", message: text, isFatal: matches(deadWords) };
}

/** The error that a message carries. */
export function fromErrorMessage({ code, message, details, partial }: ErrorMessage): AsmaError {
  return new AsmaError(code, message, { details, partial });
}

/** What an error and those that led to it say. */
function textsOf(error: unknown): string[] {
  const text = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? [text] : [text, ...textsOf(cause)];
}

const codes: ReadonlySet<unknown> = new Set([...errorCodes, ...autodiffErrorCodes]);

function isErrorCode(code: unknown): code is ErrorCode {
  return codes.has(code);
}

/** The value, if it can be sent. */
function cloneable<T>(value: T | undefined): T | undefined {
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}
