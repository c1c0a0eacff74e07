import { ignored, type LabelMap } from "@onnx-asma/core";

/** Pixels of each class of a label map. */
export function pixelsPerClass({ data }: LabelMap, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of data) {
    if (label !== ignored && label < classes) {
      counts[label] = (counts[label] as number) + 1;
    }
  }
  return counts;
}
