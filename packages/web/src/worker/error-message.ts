import { autodiffErrorCodes } from "@onnx-asma/autodiff";
import { AsmaError, errorCodes, type ErrorCode } from "@onnx-asma/core";
import type { ErrorMessage } from "./messages.ts";

const memoryWords =
  /out of memory|\bOOM\b|bad_alloc|could not allocate|failed to allocate|allocation failed|invalid array length|invalid typed array length|not enough memory|cannot enlarge memory|failed to grow|buffer size.*exceeds|larger than the maximum/i;
const deviceWords = /device (was |is )?lost|lost device|device was destroyed/i;
/** After these, the runtime's memory cannot be trusted. */
const deadWords = /^Aborted\(|\bunreachable\b|memory access out of bounds|\bnull function\b/i;

/** Puts an error into a message; errors of the browser and the runtime get a code of ours. */
export function toErrorMessage(error: unknown): ErrorMessage {
  const text = error instanceof Error ? error.message : String(error);
  // An exception of the runtime's own C++ code that nobody caught comes as a bare number.
  const isBare = typeof error === "number" || /^\d+$/.test(text);
  if (deviceWords.test(text)) {
    return {
      code: "ERR_DEVICE_LOST",
      message: `The GPU device was lost: ${text} Load the model again, or take the device 'wasm'.`,
      details: {},
      isFatal: true,
    };
  }
  if (isBare || memoryWords.test(text)) {
    return {
      code: "ERR_OUT_OF_MEMORY",
      message: `The browser gave no more memory (${isBare ? "ONNX Runtime stopped" : text}): take a smaller image or \`resize\`, close other tabs, or use the command line.`,
      details: {},
      isFatal: true,
    };
  }
  const { code, details } = error as { code?: unknown; details?: unknown };
  return {
    code: isErrorCode(code) ? code : "ERR_RUNTIME",
    message: text,
    details: isCloneable(details) ? (details as ErrorMessage["details"]) : {},
    isFatal: deadWords.test(text),
  };
}

/** The error that a message carries. */
export function fromErrorMessage({ code, message, details }: ErrorMessage): AsmaError {
  return new AsmaError(code, message, { details });
}

const codes: ReadonlySet<unknown> = new Set([...errorCodes, ...autodiffErrorCodes]);

function isErrorCode(code: unknown): code is ErrorCode {
  return codes.has(code);
}

function isCloneable(details: unknown): boolean {
  if (typeof details !== "object" || details === null) {
    return false;
  }
  try {
    structuredClone(details);
    return true;
  } catch {
    return false;
  }
}
