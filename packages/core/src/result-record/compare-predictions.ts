import type { LabelMap } from "../image.ts";
import { confusionMatrix, type ConfusionMatrix } from "../metrics/confusion-matrix.ts";
import { absentPixels, iou, iouDefinitions, type IouDefinition } from "../metrics/iou.ts";
import { pixelAccuracy } from "../metrics/pixel-accuracy.ts";

/** One class before and after the attack, on the output grid; ignored pixels do not count. */
export interface ClassRecord {
  /** Its number. */
  readonly class: number;
  /** Its name, "class 0" and so on where nothing names it. */
  readonly name: string;
  /** Pixels that the untouched model draws on the untouched image. */
  readonly pixelsBefore: number;
  /** Pixels that the target has. */
  readonly pixelsTarget: number;
  /** Pixels that it draws on the saved file. */
  readonly pixelsAfter: number;
  /** IoU with the target on the untouched image; `null` for a class that neither contains. */
  readonly iouBefore: number | null;
  /** The same on the saved file. */
  readonly iouAfter: number | null;
}

/** IoU by each definition, in [0, 1]. */
export interface IouByDefinition {
  /** Of class 1, 1 where neither has it; `null` where there are not two classes. */
  readonly foreground: number | null;
  /** Mean over the classes that the target contains. */
  readonly "mean-target": number;
  /**
   * Share of the pixels of classes that the target does not contain that are gone since the untouched image; where
   * there were none 1, or 0 if there are some now.
   */
  readonly erased: number;
  /** Mean over the classes that target or prediction contain. */
  readonly "mean-present": number;
  /** Mean over all classes of intersection ÷ (union + 10⁻⁶). */
  readonly "mean-all": number;
}

/** How well a target is drawn. */
export interface Agreement {
  readonly iou: IouByDefinition;
  /** Share of the counted pixels that have the target's label, in [0, 1]. */
  readonly pixelAccuracy: number;
  /** Counted pixels that have another label than the target. */
  readonly wrongPixels: number;
}

/** Pixels of classes that the target does not contain. */
export interface Erased {
  /** On the untouched image. */
  readonly pixelsBefore: number;
  /** On the saved file. */
  readonly pixelsAfter: number;
  /** The share that is gone: 1 − after ÷ before, at least 0. */
  readonly share: number;
}

/** What {@link comparePredictions} compares. */
export interface Predictions {
  /** What the untouched model draws on the untouched image. */
  readonly before: LabelMap;
  readonly target: LabelMap;
  /** What it draws on the saved file. */
  readonly after: LabelMap;
  readonly classNames: readonly string[];
}

/** Both predictions beside the target, class by class and by every definition of agreement. */
export function comparePredictions({ before, target, after, classNames }: Predictions) {
  const matrices = {
    before: confusionMatrix(before, target, classNames.length),
    after: confusionMatrix(after, target, classNames.length),
  };
  const [pixelsBefore, pixelsAfter] = [matrices.before, matrices.after].map(absentPixels) as [
    number,
    number,
  ];
  const share = Math.max(0, 1 - pixelsAfter / pixelsBefore);
  const classes = classRecords(matrices, classNames);
  return {
    classes,
    worstClass: worstOf(classes),
    agreement: {
      before: agreementOf(matrices.before, pixelsBefore),
      after: agreementOf(matrices.after, pixelsBefore),
    },
    erased: pixelsBefore === 0 ? null : { pixelsBefore, pixelsAfter, share },
  };
}

function agreementOf(matrix: ConfusionMatrix, absentBefore: number): Agreement {
  const isDefined = (definition: IouDefinition) =>
    definition !== "foreground" || matrix.length === 2;
  const counted = sumOf(matrix.map(sumOf));
  const right = sumOf(matrix.map((row, c) => row[c] as number));
  return {
    iou: Object.fromEntries(
      iouDefinitions.map((definition) => [
        definition,
        isDefined(definition) ? iou(matrix, definition, absentBefore) : null,
      ]),
    ) as unknown as IouByDefinition,
    pixelAccuracy: pixelAccuracy(matrix),
    wrongPixels: counted - right,
  };
}

function classRecords(
  { before, after }: Record<"before" | "after", ConfusionMatrix>,
  classNames: readonly string[],
): ClassRecord[] {
  const column = (matrix: ConfusionMatrix, c: number) =>
    sumOf(matrix.map((row) => row[c] as number));
  const iouOf = (matrix: ConfusionMatrix, c: number) => {
    const common = matrix[c]?.[c] as number;
    const union = sumOf(matrix[c] as readonly number[]) + column(matrix, c) - common;
    return union === 0 ? null : common / union;
  };
  return classNames.map((name, c) => ({
    class: c,
    name,
    pixelsBefore: column(before, c),
    pixelsTarget: sumOf(after[c] as readonly number[]),
    pixelsAfter: column(after, c),
    iouBefore: iouOf(before, c),
    iouAfter: iouOf(after, c),
  }));
}

function worstOf(classes: readonly ClassRecord[]): ClassRecord | null {
  const present = classes.filter(({ iouAfter }) => iouAfter !== null);
  return present.toSorted((a, b) => (a.iouAfter as number) - (b.iouAfter as number))[0] ?? null;
}

const sumOf = (row: readonly number[]) => row.reduce((sum, n) => sum + n, 0);
