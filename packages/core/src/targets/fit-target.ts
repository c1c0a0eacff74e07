import { checkLabelMap } from "../check-array.ts";
import { refusal } from "../errors.ts";
import { sameSize, type LabelMap, type Size } from "../image.ts";
import { toOutputGrid } from "../model/grid/output-grid.ts";
import type { ModelDescription } from "../model/model-description.ts";

/**
 * Brings a target to the model's output grid: as it is when it has the grid's size, cropped and
 * resampled (nearest) when it has the image's size.
 *
 * @param name the target in messages, such as "'mask.png'"
 * @throws AsmaError `ERR_TARGET_SIZE` for any other size; `ERR_ARRAY_DTYPE`, `ERR_ARRAY_SHAPE` for what is
 *   no label map
 */
export function fitTarget(
  target: LabelMap,
  description: Pick<ModelDescription, "grid" | "preprocessing">,
  name = "the target",
): LabelMap {
  checkLabelMap(target, name);
  const { grid, preprocessing } = description;
  const has = (size: Size) => sameSize(size, target.dims);
  if (has(grid.size)) {
    return target;
  }
  if (has(preprocessing.imageSize)) {
    return toOutputGrid(target, grid);
  }
  throw refusal("ERR_TARGET_SIZE", {
    expected: `a target of ${grid.size.join("×")} pixels (the model's output grid) or ${preprocessing.imageSize.join("×")} (the image)`,
    found: `${name} has ${target.dims.join("×")}`,
    wayOut: "resize it with nearest neighbours",
  });
}
