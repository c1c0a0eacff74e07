import { GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import type { ImageTensor, LabelMap } from "@onnx-asma/core";

/** Height and width of the images of {@link thresholdModel}. */
export const thresholdSize = 8;

/**
 * Scores −(x − ½) and x − ½ per pixel: class 1 above ½, and the nearest adversarial image is known.
 *
 * @param batch `"N"` for a free one
 */
export function thresholdModel(batch: 1 | "N" = 1): Uint8Array {
  const b = GraphBuilder.empty();
  const x = b.input("x", { dtype: "float32", dims: [1, 1, thresholdSize, thresholdSize] });
  const w = b.constant("float32", [2, 1, 1, 1], [-1, 1]);
  const bias = b.constant("float32", [2], [0.5, -0.5]);
  b.output(b.op("Conv", [x, w, bias], { group: 1, kernel_shape: [1, 1] }), "scores");
  const { model } = b.build();
  if (batch === "N") {
    for (const { type } of [...model.graph.input, ...model.graph.output]) {
      const dim = type?.value.case === "tensorType" ? type.value.value.shape?.dim[0] : undefined;
      if (dim !== undefined) {
        dim.value = { case: "dimParam", value: "N" };
      }
    }
  }
  return writeModel(model, "embed").bytes;
}

const pixels = thresholdSize ** 2;

/** An image of {@link thresholdModel}: the first `bright` pixels are class 1. */
export function thresholdImage(bright = 16, [low, high] = [0.4, 0.6]): ImageTensor {
  return {
    data: Float32Array.from({ length: pixels }, (_, i) => (i < bright ? high : low) as number),
    dims: [1, 1, thresholdSize, thresholdSize],
    levels: Number.POSITIVE_INFINITY,
  };
}

/** Labels of {@link thresholdModel}: 1 where the condition holds. */
export function thresholdTarget(isInside: (i: number) => boolean): LabelMap {
  return {
    data: Int32Array.from({ length: pixels }, (_, i) => (isInside(i) ? 1 : 0)),
    dims: [thresholdSize, thresholdSize],
  };
}
