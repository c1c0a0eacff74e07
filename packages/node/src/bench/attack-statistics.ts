import { mulberry32 } from "@onnx-asma/autodiff";

/** The middle of a list of numbers, infinite ones included; NaN of an empty one. */
export function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : meanOf(upper, sorted[middle - 1] ?? Number.NaN);
}

function meanOf(a: number, b: number): number {
  return a === b ? a : (a + b) / 2;
}

/** Samples of the bootstrap. */
const samples = 2000;

/**
 * A 95 % interval of the median by the percentile bootstrap.
 *
 * @see Efron 1979, doi 10.1214/aos/1176344552
 */
export function medianInterval(list: readonly number[]): readonly [number, number] {
  const random = mulberry32(1);
  const medians = Array.from({ length: samples }, () =>
    median(list.map(() => list[Math.floor(random() * list.length)] as number)),
  ).toSorted((a, b) => a - b);
  const at = (share: number) => medians[Math.round(share * (samples - 1))] as number;
  return [at(0.025), at(0.975)];
}
