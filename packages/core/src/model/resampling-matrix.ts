/**
 * The matrix that resamples a line of pixels linearly, antialiased when it shrinks (a triangle filter
 * as wide as the scale, the rule of ONNX Resize with `antialias=1`, `half_pixel`, and of Pillow's
 * bilinear). Rows sum to 1.
 *
 * @returns `to` rows of `from` numbers
 */
export function resamplingMatrix(from: number, to: number): number[][] {
  const scale = from / to;
  const support = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const row = Array.from({ length: from }, () => 0);
    let sum = 0;
    for (let j = Math.floor(centre - support); j <= Math.ceil(centre + support); j++) {
      const weight = Math.max(0, 1 - Math.abs(j - centre) / support);
      // Pixels beyond the border do not count when shrinking, and repeat the border when growing.
      const at = scale > 1 ? j : Math.min(Math.max(j, 0), from - 1);
      if (weight > 0 && at >= 0 && at < from) {
        row[at] = (row[at] as number) + weight;
        sum += weight;
      }
    }
    return row.map((weight) => weight / sum);
  });
}
