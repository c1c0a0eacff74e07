/**
 * How pixels are weighted when an image is resized, by the names that Pillow gives them. All but
 * `nearest` are as wide as the scale when they shrink (antialiased).
 */
export const resamplings = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] as const;

/** One of {@link resamplings}. */
export type Resampling = (typeof resamplings)[number];

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Weight by distance in pixels, and the distance from which on it is 0. */
const filters: Record<
  Exclude<Resampling, "nearest">,
  { support: number; at(x: number): number }
> = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    at: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))),
  },
  bicubic: { support: 2, at: (x) => cubic(Math.abs(x), -0.5) },
  lanczos: { support: 3, at: (x) => (Math.abs(x) >= 3 ? 0 : sinc(x) * sinc(x / 3)) },
};

function cubic(x: number, a: number): number {
  if (x < 1) {
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  }
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/**
 * The matrix that resamples a line of pixels by the rules of Pillow's `Image.resize`; `bilinear` is
 * also ONNX Resize with `linear`, `antialias=1`, `half_pixel`. Pixels beyond the border do not count.
 * Rows sum to 1.
 *
 * @returns `to` rows of `from` numbers
 */
export function resamplingMatrix(
  from: number,
  to: number,
  resampling: Resampling = "bilinear",
): number[][] {
  const scale = from / to;
  // Added up as Pillow does, whose rounding decides where two pixels are equally near.
  let place = scale / 2;
  return Array.from({ length: to }, (_, i) => {
    const row = Array.from({ length: from }, () => 0);
    if (resampling === "nearest") {
      row[Math.min(from - 1, Math.floor(place))] = 1;
      place += scale;
      return row;
    }
    const { support, at } = filters[resampling];
    const stretch = Math.max(1, scale);
    const centre = (i + 0.5) * scale - 0.5;
    const reach = support * stretch;
    let sum = 0;
    const last = Math.min(from - 1, Math.ceil(centre + reach));
    for (let j = Math.max(0, Math.floor(centre - reach)); j <= last; j++) {
      const weight = at((j - centre) / stretch);
      row[j] = weight;
      sum += weight;
    }
    return row.map((weight) => weight / sum);
  });
}
