import { checkImageTensor } from "../check-array.ts";
import { refusal } from "../errors.ts";
import type { ImageTensor } from "../image.ts";
import type { ImageInput } from "../model/input/image-input.ts";
import { toImageTensor } from "../ndarray.ts";
import type { ImageLike } from "./model-handle.ts";

/**
 * An image for a model, with data of its own: what the caller does with its arrays while it is waited for is not
 * our business.
 *
 * @throws AsmaError `ERR_IMAGE_DIMS` when it has other channels than the model takes; as `toImageTensor`
 */
export function copyImage(image: ImageLike, { channels, size }: ImageInput): ImageTensor {
  const tensor = toImageTensor(image, size.length);
  checkImageTensor(tensor, "the image");
  if (tensor.dims[1] !== channels) {
    throw refusal("ERR_IMAGE_DIMS", {
      expected: `an image of dims [1, ${channels}, ${size.map((n) => n ?? "any").join(", ")}]`,
      found: `found [${tensor.dims.join(", ")}]`,
      wayOut: "reorder its axes, or bring one of as many channels",
    });
  }
  return copyOf(tensor);
}

/** With data of its own; what has none is refused where it is used. */
export function copyOf<T extends { readonly data: Float32Array | Int32Array }>(tensor: T): T {
  return ArrayBuffer.isView(tensor.data) ? { ...tensor, data: tensor.data.slice() } : tensor;
}
