import { AsmaError } from "../errors.ts";
import { countOf, ignored, sameSize, sizeOf } from "../image.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";
import { fitTarget } from "../targets/fit-target.ts";
import type { AttackInput } from "./attack-task.ts";

/**
 * Checks images, targets and regions against a model, and brings targets to its output grid.
 *
 * @throws AsmaError `ERR_BATCH`, `ERR_IMAGE_DIMS`, `ERR_IMAGE_RANGE`, `ERR_TARGET_SIZE`, `ERR_TARGET_CLASS`,
 *   `ERR_TARGET_EMPTY`, `ERR_REGION`
 */
export function checkInputs(
  model: SegmentationModel,
  inputs: readonly AttackInput[],
): AttackInput[] {
  const [first] = inputs;
  for (const { image, target } of inputs) {
    if (
      first === undefined ||
      target === undefined ||
      !sameSize(sizeOf(image), sizeOf(first.image))
    ) {
      throw new AsmaError(
        "ERR_BATCH",
        "Expected a target for each image of a batch, and images of one size: attack others apart.",
      );
    }
  }
  return inputs.map((input) => {
    model.checkImage(input.image);
    const target = fitTarget(input.target, model.description);
    checkTarget(model, target);
    checkRegion(model, input.region);
    return { ...input, target };
  });
}

function checkTarget({ description }: SegmentationModel, { data }: AttackInput["target"]): void {
  const { size, classes } = description.head;
  if (data.length !== countOf(size)) {
    throw new AsmaError(
      "ERR_TARGET_SIZE",
      `Expected a target of ${size.join("×")} pixels, the model's output grid, but found ${data.length} labels.`,
    );
  }
  const wrong = data.find((label) => label !== ignored && !(label >= 0 && label < classes));
  if (wrong !== undefined) {
    throw new AsmaError(
      "ERR_TARGET_CLASS",
      `The target asks for class ${wrong}, but the model has classes 0 to ${classes - 1}: ${description.classNames.join(", ")}.`,
    );
  }
  if (data.every((label) => label === ignored)) {
    throw new AsmaError(
      "ERR_TARGET_EMPTY",
      "Every pixel of the target is ignored: nothing is left to attack.",
    );
  }
}

function checkRegion({ description }: SegmentationModel, region: Float32Array | undefined): void {
  const { imageSize } = description.preprocessing;
  if (region === undefined) {
    return;
  }
  if (region.length !== countOf(imageSize)) {
    throw new AsmaError(
      "ERR_REGION",
      `Expected a region of ${imageSize.join("×")} pixels, the image's size, but found ${region.length} values.`,
    );
  }
  const wrong = region.find((v) => v !== 0 && v !== 1);
  if (wrong !== undefined) {
    throw new AsmaError(
      "ERR_REGION",
      `Expected 1 where the image may change and 0 elsewhere in the region but found ${wrong}.`,
    );
  }
  if (region.every((v) => v === 0)) {
    throw new AsmaError(
      "ERR_REGION",
      "The region that may change is empty: mark at least one pixel.",
    );
  }
}
