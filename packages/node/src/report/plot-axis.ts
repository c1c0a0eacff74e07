/** A vertical axis. */
export interface Axis {
  readonly type: "linear" | "log";
  readonly domain: readonly [number, number];
  /** How many, or where. */
  readonly ticks: number | readonly number[];
  readonly format: (value: number) => string;
}

/** Values that differ by more than this are drawn on a logarithmic axis. */
const widest = 50;

/**
 * The axis for values: from 0 to a little above the largest one; for positive values that differ by orders
 * of magnitude logarithmic, over whole powers of ten.
 *
 * @param values finite
 */
export function axisOf(values: readonly number[]): Axis {
  const low = values.reduce((least, v) => Math.min(least, v), 0);
  const high = values.reduce((most, v) => Math.max(most, v), 0);
  const positive = values.filter((v) => v > 0);
  const least = positive.reduce((min, v) => Math.min(min, v), Number.POSITIVE_INFINITY);
  if (low === 0 && positive.length > 0 && high / least > widest) {
    return logAxis(Math.floor(Math.log10(least)), Math.ceil(Math.log10(high)));
  }
  const domain = low === 0 && high === 0 ? ([0, 1] as const) : ([low * 1.08, high * 1.08] as const);
  return { type: "linear", domain, ticks: 5, format: shortNumber };
}

/** @param from exponent of the smallest power of ten */
function logAxis(from: number, to: number): Axis {
  const every = Math.ceil((to - from + 1) / 6);
  const powers = Array.from({ length: to - from + 1 }, (_, k) => powerOfTen(from + k));
  return {
    type: "log",
    domain: [powerOfTen(from), powerOfTen(to)],
    ticks: powers.filter((_, k) => k % every === 0),
    format: shortNumber,
  };
}

/** Exact, which `10 ** exponent` is not. */
function powerOfTen(exponent: number): number {
  return Number(`1e${exponent}`);
}

/** Short numbers for axes: 0.02, 1.5, 2e-7. */
function shortNumber(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5
    ? value
        .toExponential(2)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e")
    : String(+value.toPrecision(4));
}
