import { checkLabelMap } from "../check-array.ts";
import type { LabelMap } from "../image.ts";
import { checkLabel } from "./check-label.ts";

/**
 * The prediction without one class: its pixels become `replacement`. The result may be empty of
 * foreground, which is the point ("erase the lesion").
 *
 * @throws AsmaError `ERR_ARRAY_DTYPE`, `ERR_ARRAY_SHAPE` for what is no label map; `ERR_TARGET_CLASS` for
 *   what is no class
 */
export function hideClass(prediction: LabelMap, hidden: number, replacement = 0): LabelMap {
  checkLabelMap(prediction, "the prediction");
  for (const label of [hidden, replacement]) {
    checkLabel(label);
  }
  return {
    data: prediction.data.map((label) => (label === hidden ? replacement : label)),
    dims: prediction.dims,
  };
}
