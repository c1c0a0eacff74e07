import type { Evidence } from "./evidence.ts";
import type { GraphNode, GraphWalk } from "./graph-walk.ts";
import { sharesOf } from "./shares-of.ts";

/**
 * Arithmetic of ranges; `undefined` unless all are known and one is no constant, and for quotients, whose
 * border does not lie halfway.
 *
 * @param known evidence of each input of `node`, where there is any
 */
export function combineEvidence(
  walk: GraphWalk,
  node: GraphNode,
  known: readonly (Evidence | undefined)[],
): Evidence | undefined {
  const { opType, input } = node;
  const parts: Evidence[] = [];
  for (const [i, name] of input.entries()) {
    const constant = walk.scalar(name);
    const part =
      constant === undefined
        ? known[i]
        : { by: "", low: constant, high: constant, axis: undefined, saturating: [] };
    if (part === undefined || part.isLog === true || part.isOdds === true) {
      return undefined;
    }
    parts.push(part);
  }
  if (opType === "Div" && (parts[1]?.by !== "" || parts[1].low === 0)) {
    return undefined;
  }
  const telling = parts.filter(({ by }) => by !== "");
  const [first] = telling;
  if (first === undefined) {
    return undefined;
  }
  const compute = arithmetic[opType];
  // Shares of one whole add up to no more than the whole.
  const shares = sums.has(opType) ? sharesOf(telling) : undefined;
  if (shares === null || (shares !== undefined && parts.length > telling.length)) {
    return undefined;
  }
  const [low, high] =
    shares !== undefined
      ? [first.low, first.high]
      : parts
          .map((part) => [part.low, part.high] as const)
          .reduce((a, b) => {
            const found =
              compute === undefined ? [...a, ...b] : a.flatMap((x) => b.map((y) => compute(x, y)));
            return [Math.min(...found), Math.max(...found)];
          });
  const isFalling = opType === "Sub" ? telling.at(-1) === parts[1] : parts.some((p) => p.high < 0);
  const isShared = !isFalling && telling.every(({ axis }) => axis === first.axis);
  const count = opType === "Mean" ? input.length : 1;
  const saturating = telling.flatMap((part) => part.saturating);
  return {
    by: first.by,
    low: low / count,
    high: high / count,
    axis:
      opType === "Concat"
        ? concatenated(walk, node, first.axis)
        : // Classes of queries × their masks, in that order.
          products.has(opType)
          ? 1
          : isShared
            ? first.axis
            : undefined,
    picked: shares ?? (telling.length === 1 && low === 0 ? first.picked : undefined),
    saturating: saturating.filter(
      ({ value }, i) => saturating.findIndex((other) => other.value === value) === i,
    ),
  };
}

const sums: ReadonlySet<string> = new Set(["Add", "Sum", "Mean"]);

const products: ReadonlySet<string> = new Set(["MatMul", "Einsum"]);

const arithmetic: Readonly<Record<string, ((a: number, b: number) => number) | undefined>> = {
  Add: (a, b) => a + b,
  Sum: (a, b) => a + b,
  Mean: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  MatMul: (a, b) => a * b,
  Einsum: (a, b) => a * b,
};

/** The axis of classes behind [1 − p, p], or of equal ones side by side along another. */
function concatenated(
  walk: GraphWalk,
  node: GraphNode,
  axis: number | undefined,
): number | undefined {
  const along = walk.axis(node, 1);
  const [a = "", b = "", ...others] = node.input;
  const arePair = others.length === 0 && (walk.isOpposite(a, b) || walk.isOpposite(b, a));
  return axis === undefined ? (arePair ? along : undefined) : axis === along ? undefined : axis;
}
