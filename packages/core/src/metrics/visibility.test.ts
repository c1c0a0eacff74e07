import { expect, it } from "vitest";
import type { ImageTensor } from "../image.ts";
import { visibility } from "./visibility.ts";

const [height, width] = [17, 23];
const dims = [1, 3, height, width] as const;
const length = 3 * height * width;
const imageOf = (value: (i: number) => number): ImageTensor => ({
  data: Float32Array.from({ length }, (_, i) => value(i)),
  dims,
});
const change = (i: number) => (((i * 53) % 7) - 3) / 255;
const clip = (v: number) => Math.min(1, Math.max(0, v));

// The expected values are scikit-image 0.26's structural_similarity(…, gaussian_weights=True, sigma=1.5,
// use_sample_covariance=False) and peak_signal_noise_ratio, and NumPy's percentile("inverted_cdf").
it("agrees with scikit-image on a noisy image", () => {
  const original = imageOf((i) => ((i * 37) % 256) / 255);
  const image = imageOf((i) => clip(Math.fround(((i * 37) % 256) / 255) + Math.fround(change(i))));
  const found = visibility(image, original, 256);
  expect(found.ssim).toBeCloseTo(0.9996381221123638, 9);
  expect(found.psnr).toBeCloseTo(42.148320584111765, 5);
  expect(found).toMatchObject({ changedPixels: 1, levels: 256 });
  expect(found.p99Levels).toBeCloseTo(3, 5);
  expect(found.largestLevels).toBeCloseTo(3, 4);
});

it("agrees with scikit-image on a smooth image", () => {
  const smooth = (i: number) => {
    const [channel, y, x] = [
      Math.floor(i / (height * width)),
      Math.floor(i / width) % height,
      i % width,
    ];
    return [Math.sin(y / 5) * 0.3 + 0.5, Math.cos(x / 7) * 0.4 + 0.5, (y + x) / (height + width)][
      channel
    ] as number;
  };
  const image = imageOf((i) => clip(Math.fround(smooth(i)) + 4 * change(i)));
  expect(visibility(image, imageOf(smooth), 256).ssim).toBeCloseTo(0.8466933187970285, 6);
});

it("counts pixels of which one channel changed, and says when nothing did", () => {
  const original = imageOf(() => 0.5);
  const image = imageOf((i) => (i === 3 || i === 3 + height * width || i === 9 ? 0.6 : 0.5));
  expect(visibility(image, original, 256).changedPixels).toBe(2 / (height * width));
  expect(visibility(original, original, 256)).toEqual({
    psnr: null,
    ssim: 1,
    changedPixels: 0,
    levels: 256,
    p99Levels: 0,
    largestLevels: 0,
  });
});

it("has no similarity of images that are smaller than its window", () => {
  const tiny: ImageTensor = { data: new Float32Array(100), dims: [1, 1, 10, 10] };
  expect(visibility(tiny, tiny, 256).ssim).toBeNull();
});
