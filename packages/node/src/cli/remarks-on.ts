import type { LabelMap } from "@onnx-asma/core";
import { predictionRemark } from "@onnx-asma/core/targets";

/** Everything that is doubtful about a prediction on an untouched image. */
export function remarksOn(prediction: LabelMap, classNames: readonly string[]): string[] {
  const remark = predictionRemark(prediction, classNames);
  return [...(prediction.notices ?? []), ...(remark === undefined ? [] : [remark])];
}
