import { refusal } from "../errors.ts";
import { sameSize, type ImageTensor } from "../image.ts";

/** Half the width of the window, which is cut off at 3.5 σ: 11 pixels. */
const radius = 5;
const sigma = 1.5;
/** Constants of the paper for values in [0, 1]. */
const [c1, c2] = [0.01 ** 2, 0.03 ** 2];

/**
 * Mean structural similarity of two images with values in [0, 1], at most 1: over all windows of 11 × 11
 * pixels that lie inside the image, Gaussian with σ = 1.5, and over all channels (of volumes over all
 * slices).
 *
 * @returns `undefined` for images of fewer than 11 pixels in height or width
 * @throws AsmaError `ERR_IMAGE_DIMS` when dims differ
 * @see Wang, Bovik, Sheikh, Simoncelli 2004, doi 10.1109/TIP.2003.819861, equations 13 to 16
 */
export function ssim(image: ImageTensor, original: ImageTensor): number | undefined {
  if (!sameSize(image.dims, original.dims)) {
    throw refusal("ERR_IMAGE_DIMS", {
      expected: "two images of equal dims",
      found: `found [${image.dims.join(", ")}] and [${original.dims.join(", ")}]`,
    });
  }
  const [height, width] = image.dims.slice(-2) as [number, number];
  if (Math.min(height, width) <= 2 * radius) {
    return undefined;
  }
  const pixels = height * width;
  const planes = image.data.length / pixels;
  let sum = 0;
  for (let plane = 0; plane < planes; plane++) {
    const part = ({ data }: ImageTensor) =>
      Float64Array.from(data.subarray(plane * pixels, (plane + 1) * pixels));
    sum += ssimOfPlane(part(image), part(original), height, width);
  }
  return sum / planes;
}

function ssimOfPlane(x: Float64Array, y: Float64Array, height: number, width: number): number {
  const blur = (values: (i: number) => number) =>
    gaussian(
      Float64Array.from({ length: x.length }, (_, i) => values(i)),
      height,
      width,
    );
  const at = (values: Float64Array, i: number) => values[i] as number;
  const [mx, my] = [blur((i) => at(x, i)), blur((i) => at(y, i))];
  const xx = blur((i) => at(x, i) ** 2);
  const yy = blur((i) => at(y, i) ** 2);
  const xy = blur((i) => at(x, i) * at(y, i));
  let sum = 0;
  mx.forEach((meanX, i) => {
    const meanY = at(my, i);
    const [varX, varY] = [at(xx, i) - meanX ** 2, at(yy, i) - meanY ** 2];
    const covariance = at(xy, i) - meanX * meanY;
    sum +=
      ((2 * meanX * meanY + c1) * (2 * covariance + c2)) /
      ((meanX ** 2 + meanY ** 2 + c1) * (varX + varY + c2));
  });
  return sum / mx.length;
}

/** Weighted means over all windows inside the plane, [height − 10, width − 10]. */
function gaussian(plane: Float64Array, height: number, width: number): Float64Array {
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = weights.reduce((sum, w) => sum + w, 0);
  const [rows, columns] = [height - 2 * radius, width - 2 * radius];
  const across = new Float64Array(height * columns);
  const both = new Float64Array(rows * columns);
  weights.forEach((weight, k) => {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < columns; column++) {
        const to = row * columns + column;
        across[to] =
          (across[to] as number) + (weight / total) * (plane[row * width + column + k] as number);
      }
    }
  });
  weights.forEach((weight, k) => {
    for (let i = 0; i < both.length; i++) {
      both[i] = (both[i] as number) + (weight / total) * (across[i + k * columns] as number);
    }
  });
  return both;
}
