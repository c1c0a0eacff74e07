import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import type { DataType } from "../model/data-type.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";

/** Operands of {@link scaledDotProduct}; heads are axis 1. */
export interface ScaledDotProduct {
  /** [batch, heads, queries, size] */
  readonly query: Value;
  /** [batch, key heads, keys, size] */
  readonly key: Value;
  /** [batch, key heads, keys, value size] */
  readonly value: Value;
  readonly scale: number;
  /** Scores are softcap · tanh(scores / softcap); 0 leaves them as they are. */
  readonly softcap?: number;
  /** Added to the scores; broadcasts to them. */
  readonly bias?: Value;
  /** bool, what takes part; broadcasts to the scores. */
  readonly allowed?: Value;
  /** dtype of the softmax. @default that of the scores */
  readonly precision?: DataType;
}

/** What {@link scaledDotProduct} computes on the way, all [batch, heads, queries, keys] but the result. */
export interface ScaledDotProductStages {
  readonly scores: Value;
  readonly capped: Value;
  /** With −∞ where nothing is allowed. */
  readonly masked: () => Value;
  readonly probabilities: Value;
  /** [batch, heads, queries, value size] */
  readonly result: Value;
}

/**
 * softmax(cap(scale · q kᵀ) + bias) v (Vaswani et al. 2017, equation 1). Keys and values have fewer
 * heads than queries in grouped-query attention: each is then used by a run of consecutive query
 * heads. A query without any allowed key gives zeros.
 */
export function scaledDotProduct(b: GraphBuilder, of: ScaledDotProduct): ScaledDotProductStages {
  const { add, div, mul, where } = arithmetic(b);
  const heads = of.query.dims[1] as number;
  const key = repeatHeads(b, of.key, heads);
  const value = repeatHeads(b, of.value, heads);
  // Each takes a root of the scale, so that half precision does not overflow.
  const root = Math.sqrt(of.scale);
  const scores = b.matmul(mul(of.query, root), b.transpose(mul(key, root), [0, 1, 3, 2]));
  const { softcap = 0 } = of;
  const capped = softcap > 0 ? mul(b.op("Tanh", [div(scores, softcap)]), softcap) : scores;
  const biased = of.bias === undefined ? capped : add(capped, of.bias);
  // Stands for −∞, which would make the softmax of a row that has nothing else NaN.
  const never = biased.dtype === "float16" ? -60_000 : -1e30;
  const masked = (other: number) =>
    of.allowed === undefined ? biased : where(of.allowed, biased, other);
  const exact = b.cast(masked(never), of.precision ?? biased.dtype);
  const weights = b.cast(b.op("Softmax", [exact], { axis: 3 }), biased.dtype);
  const probabilities =
    of.allowed === undefined ? weights : mul(weights, b.cast(of.allowed, weights.dtype));
  const result = b.matmul(probabilities, value);
  return { scores, capped, masked: () => masked(-Infinity), probabilities, result };
}

/** [batch, length, heads · size] as [batch, heads, length, size]. */
export function splitHeads(b: GraphBuilder, x: Value, heads: number): Value {
  const [batch, length, width] = x.dims as readonly [number, number, number];
  if (!(heads > 0) || width % heads !== 0) {
    throw new RuleRefusal(`its number of heads is ${heads}, which does not divide ${width}`);
  }
  return b.transpose(b.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, length, size] as [batch, length, heads · size]. */
export function joinHeads(b: GraphBuilder, x: Value): Value {
  const [batch, heads, length, size] = x.dims as readonly [number, number, number, number];
  return b.reshape(b.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

/** How far a query sees, in keys before and after its own; `Infinity` for all. */
export interface Window {
  readonly left: number;
  readonly right: number;
}

/**
 * Where query i may see key j, i + offset − left ≤ j ≤ i + offset + right: bool masks that broadcast
 * to [queries, keys], one for each bound.
 *
 * @param offset keys before the first query: a number, or int64 [batch, 1, 1, 1]
 */
export function windowMasks(
  b: GraphBuilder,
  queries: number,
  keys: number,
  offset: Value | number,
  { left, right }: Window,
): Value[] {
  const { add, sub } = arithmetic(b);
  const column = keyIndices(b, keys);
  const rows = Array.from({ length: queries }, (_, i) => i);
  const own = add(b.constant("int64", [queries, 1], rows), offset);
  return [
    ...(right < Infinity ? [b.op("Less", [column, add(own, right + 1)])] : []),
    ...(left < Infinity ? [b.op("Greater", [column, sub(own, left + 1)])] : []),
  ];
}

/** 0, 1, …: int64 [keys]. */
export function keyIndices(b: GraphBuilder, keys: number): Value {
  return b.ints(Array.from({ length: keys }, (_, j) => j));
}

/** What all of these masks allow, `undefined` without any. */
export function allOf(b: GraphBuilder, masks: readonly Value[]): Value | undefined {
  return masks.length === 0 ? undefined : masks.reduce((x, y) => b.op("And", [x, y]));
}

function repeatHeads(b: GraphBuilder, x: Value, heads: number): Value {
  const [batch, own, length, size] = x.dims as readonly [number, number, number, number];
  if (own === heads) {
    return x;
  }
  if (heads % own !== 0) {
    throw new RuleRefusal(`its ${heads} query heads are no multiple of ${own} key heads`);
  }
  const each = b.expand(b.reshape(x, [batch, own, 1, length, size]), [
    batch,
    own,
    heads / own,
    length,
    size,
  ]);
  return b.reshape(each, [batch, heads, length, size]);
}
