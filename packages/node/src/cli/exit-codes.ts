import { UnsupportedOperatorError } from "@onnx-asma/autodiff";

/** Exit codes of the command line. */
export const exitCodes = {
  reached: 0,
  error: 1,
  usage: 2,
  missed: 3,
  unsupportedModel: 4,
  nothingToAttack: 5,
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

const nothingToAttack = new Set(["ERR_CLASS_ABSENT", "ERR_TARGET_EMPTY", "ERR_TARGET_REACHED"]);

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  const code = (error as { code?: unknown }).code;
  if (
    error instanceof UnsupportedOperatorError ||
    (typeof code === "string" && unsupported.has(code))
  ) {
    return exitCodes.unsupportedModel;
  }
  if (typeof code === "string" && nothingToAttack.has(code)) {
    return exitCodes.nothingToAttack;
  }
  return typeof code === "string" && usage.has(code) ? exitCodes.usage : exitCodes.error;
}
