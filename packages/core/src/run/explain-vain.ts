import type { StepRecord } from "../attack/step-record.ts";
import type { RunOptionsUsed } from "./run-options.ts";

/** What a run came to. */
interface Outcome {
  readonly reached: boolean;
  readonly best: { readonly record: StepRecord };
  readonly trajectory: readonly StepRecord[];
}

/** The first steps of an attack that finds its own size may be too small. */
const fewSteps = 5;

/** Says of a run that changed nothing why; nothing of any other. */
export function explainVain(
  { reached, best, trajectory }: Outcome,
  { levels }: Pick<RunOptionsUsed, "levels">,
): string[] {
  if (reached && best.record.l2 === 0) {
    return ["The untouched image reaches the goal already: nothing was attacked."];
  }
  if (!reached && trajectory.length > fewSteps && trajectory.every(({ l2 }) => l2 === 0)) {
    return [
      `Rounding to ${levels} levels undid every step: no value was changed by half a level. Allow larger steps, or attack floats (\`levels: "float"\`).`,
    ];
  }
  return [];
}
