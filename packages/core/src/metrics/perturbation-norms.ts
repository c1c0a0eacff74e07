import { checkCount, checkImageTensor } from "../check-array.ts";
import { refusal } from "../errors.ts";
import { sameSize, type ImageTensor } from "../image.ts";

/** Norms of x − x₀ over all channels and pixels, in units of the [0, 1] range. */
export interface PerturbationNorms {
  readonly l1: number;
  readonly l2: number;
  readonly linf: number;
  /** Root mean square per value. */
  readonly rms: number;
  /** Values that changed at all. */
  readonly changed: number;
}

/**
 * L1, L2, L∞ and root mean square of the perturbation between two images of equal dims.
 *
 * @throws AsmaError `ERR_IMAGE_DIMS` when they have different dims; `ERR_ARRAY_DTYPE`, `ERR_ARRAY_SHAPE` for
 *   what is no image
 */
export function perturbationNorms(image: ImageTensor, original: ImageTensor): PerturbationNorms {
  checkImageTensor(image, "the image");
  checkImageTensor(original, "the original");
  if (!sameSize(image.dims, original.dims)) {
    throw refusal("ERR_IMAGE_DIMS", {
      expected: "two images of equal dims",
      found: `found [${image.dims.join(", ")}] and [${original.dims.join(", ")}]`,
    });
  }
  checkCount(image, "the image");
  checkCount(original, "the original");
  let l1 = 0;
  let sum = 0;
  let linf = 0;
  let changed = 0;
  image.data.forEach((v, i) => {
    const d = Math.abs(v - (original.data[i] as number));
    l1 += d;
    sum += d * d;
    linf = Math.max(linf, d);
    changed += d > 0 ? 1 : 0;
  });
  return {
    l1,
    l2: Math.sqrt(sum),
    linf,
    rms: Math.sqrt(sum / Math.max(1, image.data.length)),
    changed,
  };
}
