import { refusal } from "../errors.ts";
import { checkConfusionMatrix, type ConfusionMatrix } from "./confusion-matrix.ts";

/**
 * Which intersection over union is meant.
 *
 * - `foreground`: |P₁ ∩ Y₁| / |P₁ ∪ Y₁| of class 1, the paper's for two classes; 1 when prediction
 *   and target are both empty, 0 when only one is.
 * - `mean-present`: mean over the classes that target or prediction contain.
 * - `mean-all`: mean over all classes, Σ I/(U + 1e-6) / K, absent ones counted 0, as adv_lib does.
 */
export const iouDefinitions = ["foreground", "mean-present", "mean-all"] as const;

/** One of {@link iouDefinitions}. */
export type IouDefinition = (typeof iouDefinitions)[number];

/** The definition used unless another is asked for: the paper's for two classes. */
export function defaultIouDefinition(classes: number): IouDefinition {
  return classes === 2 ? "foreground" : "mean-present";
}

/** Intersection and union, in pixels, of each class. */
export function intersectionsAndUnions(
  matrix: ConfusionMatrix,
): { intersection: number; union: number }[] {
  return matrix.map((row, c) => {
    const intersection = row[c] as number;
    const target = row.reduce((sum, n) => sum + n, 0);
    const predicted = matrix.reduce((sum, r) => sum + (r[c] as number), 0);
    return { intersection, union: target + predicted - intersection };
  });
}

/**
 * Intersection over union in [0, 1] by the definition named.
 *
 * @throws AsmaError `ERR_IOU_DEFINITION` for another name, and for `foreground` without a class 1;
 *   `ERR_CLASSES` for what is no confusion matrix
 */
export function iou(matrix: ConfusionMatrix, definition: IouDefinition): number {
  checkConfusionMatrix(matrix);
  checkDefinition(definition, matrix.length);
  const classes = intersectionsAndUnions(matrix);
  switch (definition) {
    case "foreground": {
      const { intersection, union } = classes[1] as (typeof classes)[number];
      return union === 0 ? 1 : intersection / union;
    }
    case "mean-present": {
      const present = classes.filter((c) => c.union > 0);
      const sum = present.reduce((total, c) => total + c.intersection / c.union, 0);
      return present.length === 0 ? 1 : sum / present.length;
    }
    case "mean-all":
      return (
        classes.reduce((sum, c) => sum + c.intersection / (c.union + 1e-6), 0) / classes.length
      );
  }
}

function checkDefinition(definition: IouDefinition, classes: number): void {
  const isKnown = iouDefinitions.includes(definition);
  if (!isKnown || (definition === "foreground" && classes < 2)) {
    throw refusal("ERR_IOU_DEFINITION", {
      expected: `an IoU definition among ${iouDefinitions.join(", ")}`,
      found: isKnown
        ? `'foreground' is of class 1, and there is none`
        : `found ${String(definition)}`,
      wayOut: "take 'mean-present'",
    });
  }
}
