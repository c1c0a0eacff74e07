import { checkLabelMap } from "../check-array.ts";
import { refusal } from "../errors.ts";
import type { LabelMap } from "../image.ts";
import { checkLabel } from "./check-label.ts";

/**
 * The prediction without one class: its pixels become `replacement`. The result may be empty of
 * foreground, which is the point ("erase the lesion").
 *
 * @throws AsmaError `ERR_ARRAY_DTYPE`, `ERR_ARRAY_SHAPE` for what is no label map; `ERR_TARGET_CLASS` for
 *   what is no class; `ERR_CLASS_ABSENT` for a class of which there is no pixel
 */
export function hideClass(prediction: LabelMap, hidden: number, replacement = 0): LabelMap {
  checkLabelMap(prediction, "the prediction");
  for (const label of [hidden, replacement]) {
    checkLabel(label);
  }
  if (!prediction.data.includes(hidden)) {
    const drawn = [...new Set(prediction.data)].toSorted((a, b) => a - b);
    throw refusal("ERR_CLASS_ABSENT", {
      expected: "a class to hide that the model draws here",
      found: `class ${hidden} has no pixel (drawn are ${drawn.join(", ")})`,
      wayOut: drawn.some((label) => label >= 0 && label !== replacement)
        ? "hide one of those, or take another image"
        : "take another image, or see whether the model is given the values it was trained on",
      details: { class: hidden, drawn },
    });
  }
  return {
    data: prediction.data.map((label) => (label === hidden ? replacement : label)),
    dims: prediction.dims,
  };
}
