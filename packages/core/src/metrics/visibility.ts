import type { ImageTensor } from "../image.ts";
import { perturbationNorms } from "./perturbation-norms.ts";
import { ssim } from "./ssim.ts";

/** How much of a change can be seen. */
export interface Visibility {
  /** Peak signal-to-noise ratio in decibels, −20 log₁₀ of the root mean square for white = 1; `null` where nothing changed. */
  readonly psnr: number | null;
  /**
   * Mean structural similarity, at most 1: over all windows of 11 × 11 pixels inside the image, Gaussian with
   * σ = 1.5, k₁ = 0.01, k₂ = 0.03, and all channels and slices; `null` for images under 11 pixels.
   */
  readonly ssim: number | null;
  /** Share of the pixels of which any channel changed, in [0, 1]. */
  readonly changedPixels: number;
  /** What a level is below: 1/(levels − 1) of the way from black to white. */
  readonly levels: number;
  /**
   * 99th percentile of the change of the values that changed, in levels: of n changes in order the one at place
   * ⌈0.99 n⌉; 0 where none did.
   */
  readonly p99Levels: number;
  /** Largest change of a value, in levels. */
  readonly largestLevels: number;
}

/**
 * Says how much of a change can be seen.
 *
 * @param image as it was saved
 * @param levels of the file; of a floating-point one 256 are usual
 * @throws AsmaError as {@link perturbationNorms}
 */
export function visibility(image: ImageTensor, original: ImageTensor, levels: number): Visibility {
  const { linf, rms } = perturbationNorms(image, original);
  const changes = image.data.map((v, i) => Math.abs(v - (original.data[i] as number)));
  const [, channels] = image.dims;
  const pixels = changes.length / channels;
  let changed = 0;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < channels; c++) {
      if (changes[c * pixels + i] !== 0) {
        changed += 1;
        break;
      }
    }
  }
  const sorted = changes.filter((change) => change > 0).toSorted();
  return {
    psnr: rms === 0 ? null : -20 * Math.log10(rms),
    ssim: ssim(image, original) ?? null,
    changedPixels: changed / pixels,
    levels,
    p99Levels: (sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0) * (levels - 1),
    largestLevels: linf * (levels - 1),
  };
}
