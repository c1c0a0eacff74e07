import { sameSize, type ImageTensor, type LabelMap } from "@onnx-asma/core";
import type { Slice } from "@onnx-asma/core/result-record";
import type { Placement } from "./picture.ts";
import type { Region } from "./region-outline.ts";

/**
 * The slice in which most pixels changed their label, the first of equals; the middle when none did.
 * `undefined` for images.
 *
 * @param placement where the label grid lies in the image
 */
export function chooseSlice(
  before: LabelMap,
  after: LabelMap,
  image: ImageTensor,
  placement: { readonly front?: number; readonly depth?: number },
): Slice | undefined {
  if (before.dims.length !== 3 || image.dims.length !== 5 || !sameSize(before.dims, after.dims)) {
    return undefined;
  }
  const [depth, height, width] = before.dims;
  const pixels = height * width;
  const changes = Array.from({ length: depth }, () => 0);
  before.data.forEach((label, i) => {
    const slice = Math.floor(i / pixels);
    changes[slice] = (changes[slice] as number) + (label === after.data[i] ? 0 : 1);
  });
  const most = changes.reduce((max, n) => Math.max(max, n), 0);
  const index = most > 0 ? changes.indexOf(most) : Math.floor(depth / 2);
  const of = image.dims[2];
  const { front = 0, depth: covered = of } = placement;
  const at = Math.floor(front + ((index + 0.5) * covered) / depth);
  return {
    index,
    imageIndex: Math.min(of - 1, Math.max(0, at)),
    of,
    because: most > 0 ? "most pixels changed their label here" : "the middle, as no label changed",
  };
}

/** One slice of a volume as an image; an image as it is. */
export function sliceOfImage(image: ImageTensor, slice: Slice | undefined): ImageTensor {
  if (slice === undefined || image.dims.length !== 5) {
    return image;
  }
  const [, channels, depth, height, width] = image.dims;
  const pixels = height * width;
  const data = new Float32Array(channels * pixels);
  for (let c = 0; c < channels; c++) {
    const from = (c * depth + slice.imageIndex) * pixels;
    data.set(image.data.subarray(from, from + pixels), c * pixels);
  }
  return { data, dims: [1, channels, height, width] };
}

/** One slice of a volume's labels; those of an image as they are. */
export function sliceOfLabels(labels: LabelMap, slice: Slice | undefined): LabelMap {
  if (slice === undefined || labels.dims.length !== 3) {
    return labels;
  }
  const [, height, width] = labels.dims;
  const from = slice.index * height * width;
  return { data: labels.data.slice(from, from + height * width), dims: [height, width] };
}

/** One slice of a volume's region, or that of an image as it is; `undefined` where it is all of it. */
export function sliceOfRegion(
  region: Float32Array,
  image: ImageTensor,
  slice: Slice | undefined,
): Region | undefined {
  const [height, width] = image.dims.slice(-2) as [number, number];
  const from = (slice?.imageIndex ?? 0) * height * width;
  const data = region.slice(from, from + height * width);
  return data.every((value) => value > 0) ? undefined : { data, width, height };
}

/** The part of a placement that pictures need. */
export function planeOf({ top, left, height, width }: Placement): Placement {
  return { top, left, height, width };
}
