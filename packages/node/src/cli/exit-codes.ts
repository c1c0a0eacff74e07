import { UnsupportedOperatorError } from "@onnx-asma/autodiff";

/** Exit codes of the command line. */
export const exitCodes = {
  reached: 0,
  error: 1,
  usage: 2,
  missed: 3,
  unsupportedModel: 4,
  interrupted: 130,
} as const;

const unsupported = new Set([
  "ERR_UNSUPPORTED_OPERATOR",
  "ERR_NO_GRADIENT",
  "ERR_IMAGE_INPUT",
  "ERR_OPSET",
  "ERR_OUTPUT",
  "ERR_MODEL_REFUSED",
  "ERR_TRAINING_OPERATOR",
]);

const usage = new Set(["ERR_USAGE", "ERR_STEP_SIZE", "ERR_OPTION", "ERR_ATTACK", "ERR_PROVIDER"]);

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  const code = (error as { code?: unknown }).code;
  if (
    error instanceof UnsupportedOperatorError ||
    (typeof code === "string" && unsupported.has(code))
  ) {
    return exitCodes.unsupportedModel;
  }
  return typeof code === "string" && usage.has(code) ? exitCodes.usage : exitCodes.error;
}
