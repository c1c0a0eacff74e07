import { AsmaError } from "../errors.ts";
import { countOf, ignored, sameSize } from "../image.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import type { AttackInput, AttackOptions } from "./attack.ts";

/**
 * Checks what is common to all attacks before the first run.
 *
 * @throws AsmaError `ERR_IMAGE_DIMS`, `ERR_IMAGE_RANGE`, `ERR_TARGET_SIZE`, `ERR_TARGET_CLASS`,
 *   `ERR_TARGET_EMPTY`, `ERR_REGION`, `ERR_OPTION`
 */
export function checkAttackInput(
  model: SegmentationModel,
  input: AttackInput,
  options: AttackOptions,
): void {
  model.checkImage(input.image);
  const { size, classes } = model.description.head;
  const { data, dims } = input.target;
  if (!sameSize(dims, size) || data.length !== countOf(size)) {
    throw new AsmaError(
      "ERR_TARGET_SIZE",
      `Expected a target of ${size.join("×")} pixels, the model's output grid, but found ${dims.join("×")}.`,
    );
  }
  const wrong = data.find((label) => label !== ignored && !(label >= 0 && label < classes));
  if (wrong !== undefined) {
    throw new AsmaError(
      "ERR_TARGET_CLASS",
      `The target asks for class ${wrong}, but the model has classes 0 to ${classes - 1}: ${model.description.classNames.join(", ")}.`,
    );
  }
  if (data.every((label) => label === ignored)) {
    throw new AsmaError(
      "ERR_TARGET_EMPTY",
      "Every pixel of the target is ignored: nothing is left to attack.",
    );
  }
  const { imageSize } = model.description.preprocessing;
  if (options.region !== undefined && options.region.length !== countOf(imageSize)) {
    throw new AsmaError(
      "ERR_REGION",
      `Expected a region of ${imageSize.join("×")} pixels, the image's size, but found ${options.region.length} values.`,
    );
  }
  if (options.region !== undefined && options.region.every((v) => v === 0)) {
    throw new AsmaError(
      "ERR_REGION",
      "The region that may change is empty: mark at least one pixel.",
    );
  }
  const { iterations = 1, iouThreshold = 0, pixelAccuracyThreshold = 0 } = options;
  if (!Number.isInteger(iterations) || iterations < 1) {
    throw new AsmaError(
      "ERR_OPTION",
      `Expected a positive integer for iterations but found ${iterations}.`,
    );
  }
  for (const [name, value] of Object.entries({ iouThreshold, pixelAccuracyThreshold })) {
    if (!(value >= 0 && value <= 1)) {
      throw new AsmaError(
        "ERR_OPTION",
        `Expected a number in [0, 1] for ${name} but found ${value}.`,
      );
    }
  }
}
