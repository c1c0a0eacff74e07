import { ignored, type LabelMap } from "../image.ts";

/** Pixels of each class of a label map; ignored ones are in none. */
export function pixelsPerClass({ data }: LabelMap, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of data) {
    if (label !== ignored && label < classes) {
      counts[label] = (counts[label] as number) + 1;
    }
  }
  return counts;
}

/** More classes than these are not named where they have no pixel. */
const mostNamed = 8;

/**
 * What a model draws on an untouched image, class by class: "… draws background 97.32 %, circle 2.67 % (253 px),
 * square 0 px." Of many classes those that are drawn, and how many are not.
 */
export function describePrediction(prediction: LabelMap, classNames: readonly string[]): string {
  const counts = pixelsPerClass(prediction, classNames.length);
  const isNamed = classNames.length <= mostNamed;
  const drawn = classNames.flatMap((name, c) => {
    const count = counts[c] as number;
    if (count === 0) {
      return isNamed ? [`${name} 0 px`] : [];
    }
    // Never rounded up to 100 %.
    const share = Math.floor((count / prediction.data.length) * 10_000) / 100;
    const percent = share === 100 ? "100" : share.toFixed(2);
    return [`${name} ${percent} %${c === 0 ? "" : ` (${count} px)`}`];
  });
  const absent = classNames.length - drawn.length;
  const rest = absent === 0 ? "" : `; ${absent} of ${classNames.length} classes nowhere`;
  return `On the untouched image the model draws ${drawn.join(", ")}${rest}.`;
}

/** A remark where that looks as if the model did not see what it should; `undefined` otherwise. */
export function predictionRemark(
  prediction: LabelMap,
  classNames: readonly string[],
): string | undefined {
  const counts = pixelsPerClass(prediction, classNames.length);
  const drawn = classNames.filter((_, c) => counts[c] !== 0);
  return drawn.length === 1
    ? `The model draws one class only on the untouched image (${drawn.join()}): where it should draw more, see whether \`range\`, \`mean\`, \`std\` and \`channelOrder\` are those it was trained with.`
    : undefined;
}
