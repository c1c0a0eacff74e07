import type { AttackDefinition } from "../attack/attack-definition.ts";
import { AsmaError } from "../errors.ts";
import { Goal } from "../goal/goal.ts";
import type { IouDefinition } from "../metrics/iou.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { AttackInput } from "../run/attack-task.ts";
import { iouDefinitionOf, type RunOptionsUsed } from "../run/run-options.ts";

/** The definition that all images of a run are measured by: one graph measures them. */
export function commonDefinition(
  asked: IouDefinition | undefined,
  model: SegmentationModel,
  inputs: readonly AttackInput[],
): IouDefinition {
  const { classes } = model.description.head;
  const [first, ...others] = inputs.map(({ target }) => iouDefinitionOf(asked, classes, target));
  const other = others.find((definition) => definition !== first);
  if (other !== undefined) {
    throw new AsmaError(
      "ERR_BATCH",
      `Expected targets of one kind in a batch but some only take something away (IoU '${first}' and '${other}'): attack them apart, or name iouDefinition.`,
    );
  }
  return first as IouDefinition;
}

/** What an attack is for, by its definition and the options of the run. */
export function goalOf(
  definition: AttackDefinition,
  attackOptions: Readonly<Record<string, unknown>>,
  { iouThreshold, pixelAccuracyThreshold, targeted }: RunOptionsUsed,
): Goal {
  return new Goal({
    thresholds: { iou: iouThreshold, pixelAccuracy: pixelAccuracyThreshold },
    targeted,
    keeps: definition.keeps(attackOptions as never),
    norm: definition.norm(attackOptions as never),
    budget: definition.budget?.(attackOptions as never),
  });
}
