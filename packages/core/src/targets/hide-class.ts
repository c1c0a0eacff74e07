import type { LabelMap } from "../image.ts";

/**
 * The prediction without one class: its pixels become `replacement`. The result may be empty of
 * foreground, which is the point ("erase the lesion").
 */
export function hideClass(prediction: LabelMap, hidden: number, replacement = 0): LabelMap {
  return {
    data: prediction.data.map((label) => (label === hidden ? replacement : label)),
    dims: prediction.dims,
  };
}
