import type { ImageTensor, LabelMap } from "@onnx-asma/core";
import type { Slice } from "@onnx-asma/core/result-record";
import { chooseSlice } from "./slice.ts";

/** The slice of a volume in which most is drawn, the middle where nothing is; `undefined` for images. */
export function fullestSlice(
  prediction: LabelMap,
  image: ImageTensor,
  placement: Parameters<typeof chooseSlice>[3],
): Slice | undefined {
  const nothing = { ...prediction, data: new Int32Array(prediction.data.length) };
  return chooseSlice(nothing, prediction, image, placement);
}
