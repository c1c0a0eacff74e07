import type { LabelMap } from "@onnx-asma/core";
import { percent } from "../report/result-record.ts";
import { pixelsPerClass } from "../report/pixels-per-class.ts";

/** What the model draws on the untouched image, for people: "background 97.32 %, circle 2.67 % (253 px)". */
export function cleanPrediction(prediction: LabelMap, classNames: readonly string[]): string {
  const counts = pixelsPerClass(prediction, classNames.length);
  const drawn = classNames.flatMap((name, c) => {
    const count = counts[c] as number;
    return count === 0
      ? []
      : [`${name} ${percent(count / prediction.data.length)}${c === 0 ? "" : ` (${count} px)`}`];
  });
  const absent = classNames.length - drawn.length;
  const rest = absent === 0 ? "" : `; ${absent} of ${classNames.length} classes nowhere`;
  return `On the untouched image the model draws ${drawn.join(", ")}${rest}.`;
}

/** A remark where that looks as if the model did not see what it should; `undefined` otherwise. */
export function cleanPredictionRemark(
  prediction: LabelMap,
  classNames: readonly string[],
): string | undefined {
  const counts = pixelsPerClass(prediction, classNames.length);
  const drawn = counts.flatMap((count, c) => (count > 0 ? [c] : []));
  return drawn.length === 1
    ? `The model draws one class only on the untouched image (${classNames[drawn[0] as number]}): where it should draw more, see with inspect whether range, mean, std and channel order are those it was trained with.`
    : undefined;
}
