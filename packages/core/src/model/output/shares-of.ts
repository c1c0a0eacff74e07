import type { Evidence, Picked } from "./evidence.ts";

/**
 * Numbers that are shares of one whole, when all of them are: those of different classes;
 * `undefined` when they are of different wholes, or the same of one, `null` when it cannot be told.
 */
export function sharesOf(parts: readonly Evidence[]): Picked | undefined | null {
  const [first, ...others] = parts;
  const sources = parts.flatMap(({ saturating }) => [...new Set(saturating.map((s) => s.value))]);
  const isOneSource = new Set(sources).size < sources.length;
  if (first === undefined || others.length === 0 || !isOneSource) {
    return undefined;
  }
  const isWhole = ({ axis, picked, saturating }: Evidence) =>
    picked === undefined &&
    (axis !== undefined || saturating.every((passed) => passed.axis === undefined));
  if (parts.every(isWhole)) {
    return undefined;
  }
  const entries = parts.flatMap(({ picked }) => picked?.entries ?? []);
  const isOne = parts.every(
    ({ picked }) => picked !== undefined && picked.from === first.picked?.from,
  );
  const isSame = parts.every(
    ({ picked }) => picked?.entries.join() === first.picked?.entries.join(),
  );
  const isEven = parts.every(({ low, high }) => low === 0 && high === first.high);
  return isOne && isSame
    ? undefined
    : isOne && isEven && new Set(entries).size === entries.length
      ? { from: first.picked?.from ?? "", entries, axis: undefined }
      : null;
}
