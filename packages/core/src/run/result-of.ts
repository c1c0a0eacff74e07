import type { StepRecord } from "../attack/step-record.ts";
import type { ImageTensor } from "../image.ts";
import type { IterateArrays } from "../step/kept-iterates.ts";
import type { AttackResult, Iterate } from "./attack-result.ts";
import type { AttackInput, AttackTask } from "./attack-task.ts";
import { explainVain } from "./explain-vain.ts";

/** An iterate of a run as an image that is handed out. */
export function toImage(
  data: Float32Array,
  { image: { dims } }: AttackInput,
  { levels }: AttackTask["options"],
): ImageTensor {
  return { data, dims, levels: levels === "float" ? Number.POSITIVE_INFINITY : levels };
}

interface Ending extends Pick<
  AttackResult,
  "reached" | "stopReason" | "trajectory" | "passes" | "notices" | "seconds"
> {
  readonly best: { readonly record: StepRecord; readonly arrays: IterateArrays };
  readonly last: Ending["best"];
}

/** The result of a run on one image. */
export function resultOf(
  { definition, attackOptions, options, goal, notices, step }: AttackTask,
  input: AttackInput,
  ending: Ending,
): AttackResult {
  const iterate = ({ record, arrays }: Ending["best"]): Iterate => ({
    ...record,
    image: toImage(arrays.image, input, options),
    prediction: { data: arrays.prediction, dims: input.target.dims },
  });
  const { budget, norm } = goal.options;
  const outside = goal.admits(ending.best.record)
    ? []
    : [
        `No image within the budget was found: rounding to ${options.levels} levels alone changes it by ${ending.best.record[norm].toPrecision(3)}.`,
      ];
  return {
    attack: { name: definition.name, options: attackOptions },
    options,
    ...ending,
    best: iterate(ending.best),
    last: iterate(ending.last),
    notices: [...(notices ?? []), ...ending.notices, ...outside, ...explainVain(ending, options)],
    budget: budget === undefined ? undefined : { norm, epsilon: budget },
    build: step.build,
  };
}
