import { AsmaError } from "../errors.ts";
import type { StepNumbers } from "../step/iterates.ts";
import type { AttackTask } from "./attack-task.ts";

/** The numbers of a schedule. @throws AsmaError `ERR_ATTACK` for one that it leaves out */
export function checkNumbers(
  numbers: StepNumbers,
  { step, definition }: Pick<AttackTask, "step" | "definition">,
): StepNumbers {
  const missing = step.graph.numbers.find((name) => numbers[name] === undefined);
  if (missing !== undefined) {
    throw new AsmaError(
      "ERR_ATTACK",
      `Expected the number '${missing}' from the schedule of '${definition.name}' but it gives ${Object.keys(numbers).join(", ") || "none"}.`,
    );
  }
  return numbers;
}
