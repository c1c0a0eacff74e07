/** A function of one vector, and how well the runtime's precision knows its value. */
export type Objective = (x: Float64Array) => Promise<number>;

/** What {@link compareWithFiniteDifferences} found. */
export interface Comparison {
  /** Elements whose derivative agrees. */
  readonly verified: number;
  /** Elements at a kink or a pole, or whose derivative drowns in rounding. */
  readonly skipped: number;
  /** Elements where the function is smooth and the derivative differs. */
  readonly wrong: readonly {
    readonly element: number;
    readonly expected: number;
    readonly found: number;
  }[];
}

/** Options of {@link compareWithFiniteDifferences}. */
export interface ComparisonOptions {
  readonly objective: Objective;
  readonly at: Float64Array;
  readonly gradient: Float64Array;
  /** Distances between the points of a difference, tried in turn. */
  readonly steps: readonly number[];
  /** Nearest number that the runtime's inputs can hold. */
  readonly round: (x: number) => number;
  /** Relative spacing of those numbers, 2⁻²³ for float32. */
  readonly epsilon: number;
  /** Magnitude of the terms that the objective sums up. */
  readonly magnitude: number;
  readonly random: () => number;
  /** Most elements to look at, a random choice among more. @default 4096 */
  readonly sample?: number;
  /** @default 1e-3 */
  readonly tolerance?: number;
  /** Most calls of the objective; what is left then counts as skipped. @default 4000 */
  readonly budget?: number;
}

/** In a group of more, one wrong element would pass for rounding of the others. */
const largestGroup = 256;

/**
 * Compares a gradient with central differences of fourth order, along random directions of ±1.
 *
 * Whether the function is smooth along a direction is judged by fourth differences of two spacings,
 * never by the gradient. For a kink of slope 1 at distance u from the middle of points h apart, the
 * fourth difference over 12h is |6u − 4h|/12h within h and (2h − u)/6h beyond; that of half the spacing
 * fills the gap at u = 2h/3, where the derivative would be off by four times as much. A direction that
 * is not smooth, or does not agree, is split in two, down to single elements; there, what is smooth has
 * to agree and what is not is skipped.
 */
export async function compareWithFiniteDifferences(
  options: ComparisonOptions,
): Promise<Comparison> {
  const { at, gradient, steps, random, round, epsilon } = options;
  const { sample = 4096, tolerance = 1e-3, budget = 4000 } = options;
  let calls = 0;
  const objective = (x: Float64Array) => {
    calls += 1;
    return options.objective(x);
  };
  const middle = await objective(at);
  // Rounding shows as second differences where every element moves within its last bits.
  let noise = epsilon * options.magnitude;
  for (let i = 0; i < 4; i++) {
    const moves = at.map((v) => round(v * (1 + 4 * epsilon * (2 * random() - 1))) - v);
    const [up, down] = [
      await objective(at.map((v, k) => v + (moves[k] as number))),
      await objective(at.map((v, k) => v - (moves[k] as number))),
    ];
    const second = 2 * Math.abs(up - 2 * middle + down);
    noise = Number.isFinite(second) ? Math.max(noise, second) : noise;
  }
  const largest = gradient.reduce(
    (max, v) => (Number.isFinite(v) ? Math.max(max, Math.abs(v)) : max),
    0.01 * options.magnitude,
  );

  const measure = async (elements: readonly number[], step: number) => {
    const signs = elements.map(() => (random() < 0.5 ? -1 : 1));
    const value = async (k: number) => {
      const moved = at.slice();
      elements.forEach((element, i) => {
        moved[element] = (at[element] as number) + k * step * (signs[i] as number);
      });
      return objective(moved);
    };
    const values: number[] = [];
    for (const k of [-2, -1, -0.5, 0.5, 1, 2]) {
      values.push(await value(k));
    }
    const [a, b, p, q, d, e] = values as [number, number, number, number, number, number];
    const expected = (a - 8 * b + 8 * d - e) / (12 * step);
    const fourth = Math.abs(a - 4 * b + 6 * middle - 4 * d + e) / (12 * step);
    const inner = Math.abs(b - 4 * p + 6 * middle - 4 * q + d) / (12 * step);
    const found = elements.reduce(
      (sum, element, i) => sum + (gradient[element] as number) * (signs[i] as number),
      0,
    );
    const blur = noise / step;
    const near = tolerance * Math.abs(expected);
    return {
      expected,
      found,
      isSmooth: fourth <= near / 2 + blur && inner <= near / 8 + blur,
      agrees: Math.abs(found - expected) <= Math.max(near, tolerance * Math.abs(found)) + 4 * blur,
      isConsistent: !(Math.abs((q - p) / step - expected) > Math.abs(found - expected) / 4),
      isSharp: blur <= Math.max(0.005, 16 * epsilon) * largest * Math.sqrt(elements.length),
    };
  };

  let [verified, skipped] = [0, 0];
  const wrong: { element: number; expected: number; found: number }[] = [];
  const chosen = shuffled(at.length, random).slice(0, sample);
  const pending: (readonly number[])[] = [];
  for (let i = 0; i < chosen.length; i += largestGroup) {
    pending.push(chosen.slice(i, i + largestGroup));
  }
  for (let group = pending.pop(); group !== undefined; group = pending.pop()) {
    if (calls > budget) {
      skipped += group.length;
      continue;
    }
    if (group.length > 1) {
      const found = await measure(group, steps[0] as number);
      if (found.isSmooth && found.agrees && found.isSharp) {
        verified += group.length;
      } else {
        const half = group.length >> 1;
        pending.push(group.slice(half), group.slice(0, half));
      }
      continue;
    }
    const results = [];
    for (const step of group.length === 0 ? [] : steps) {
      results.push(await measure(group, step));
    }
    const smooth = results.filter((r) => r.isSmooth && r.isSharp);
    const first = smooth.find((r) => r.isConsistent);
    if (smooth.some((r) => r.agrees)) {
      verified += 1;
    } else if (first !== undefined) {
      wrong.push({ element: group[0] as number, expected: first.expected, found: first.found });
    } else {
      skipped += group.length;
    }
  }
  return { verified, skipped, wrong };
}

/** 0 to n − 1 in random order. */
function shuffled(n: number, random: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
