/** Hundredths of the steps: the first stretch, by how much each is shorter, and how short they get. */
const [first, shrink, shortest] = [22, 3, 6] as const;

/**
 * Steps at which APGD looks back on what the last stretch came to:
 *
 *     w_j = ⌈p_j·N⌉,   p_0 = 0, p_1 = 0.22,   p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06)
 *
 * @param iterations N
 * @returns w_1 < w_2 < …, all at most N
 * @see Croce and Hein 2020, arXiv 2003.01690, section 3.1
 */
export function checkpoints(iterations: number): number[] {
  const steps = new Set<number>();
  for (let at = first, stretch: number = first; at <= 100; at += stretch) {
    steps.add(Math.ceil((at * iterations) / 100));
    stretch = Math.max(stretch - shrink, shortest);
  }
  return [...steps];
}
