import { isFloat, type GraphBuilder, type ResolvedModel, type Value } from "@onnx-asma/autodiff";
import { refusal } from "../../errors.ts";
import { countOf, type Size } from "../../image.ts";
import { takeSamples } from "../layout.ts";
import type { ModelOptions } from "../model-options.ts";
import { option } from "../option.ts";

/** Masks and classes of queries that together make scores per pixel. */
export interface QueryHead {
  /** The value with the classes of queries: [B, Q, K + 1] logits, or [B, Q, K] without a void class. */
  readonly classes: string;
  /** Number of queries. */
  readonly count: number;
  /** The class that stands for nothing. */
  readonly voidClass: number | undefined;
  /** Classes that are not void, in order. */
  readonly kept: readonly number[];
}

const classNames = /class|logit|cls|score|label/i;
const otherNames = /box|hidden|state|embed|feature|mask|point/i;

/**
 * Finds the output with the classes that belong to an output of query masks: as many rows as there
 * are masks, and a name that says so. `undefined` when `masks` stands for itself.
 *
 * @param masks name of an output [B, Q, …size]
 * @throws AsmaError `ERR_OUTPUT` when queries are asked for or named and cannot be found, or when more
 *   than one output could hold their classes
 */
export function findQueries(
  resolved: ResolvedModel,
  masks: string,
  options: ModelOptions,
): QueryHead | undefined {
  const { queryClasses, outputKind = "auto" } = options;
  const isTold = queryClasses !== undefined || outputKind === "queries";
  if (!isTold && outputKind !== "auto") {
    return undefined;
  }
  const [batch, count] = resolved.types.get(masks)?.dims ?? [];
  const fits = (name: string) => {
    const type = resolved.types.get(name);
    const [n, q, k = 0] = type?.dims ?? [];
    return (
      type !== undefined &&
      isFloat(type.dtype) &&
      type.dims.length === 3 &&
      n === batch &&
      q === count &&
      k > 1
    );
  };
  const declared = resolved.model.graph.output.map(({ name }) => name).filter(fits);
  const named = declared.filter((name) => classNames.test(name) && !otherNames.test(name));
  const candidates =
    queryClasses !== undefined ? [queryClasses].filter(fits) : named.length > 0 ? named : declared;
  const [classes] = candidates;
  if (!isTold && (classes === undefined || !(named.length > 0 || /mask/i.test(masks)))) {
    return undefined;
  }
  if (classes === undefined || candidates.length > 1) {
    const found =
      candidates.length > 1 ? candidates : resolved.model.graph.output.map((o) => o.name);
    throw refusal("ERR_OUTPUT", {
      expected: `one output [${batch}, ${count}, classes] with the classes of the ${count} queries whose masks are in '${masks}'`,
      found: `found ${found.map((name) => `'${name}' [${resolved.types.get(name)?.dims.join(", ") ?? "?"}]`).join(", ")}`,
      wayOut: `name it with ${option("queryClasses")}, and the masks with ${option("output")}`,
    });
  }
  const entries = resolved.types.get(classes)?.dims[2] as number;
  const voidClass = options.voidClass === "none" ? undefined : (options.voidClass ?? entries - 1);
  if (voidClass !== undefined && voidClass >= entries) {
    throw refusal("ERR_OUTPUT", {
      expected: `a void class from 0 to ${entries - 1} of '${classes}'`,
      found: `found ${voidClass}`,
      wayOut: `correct ${option("voidClass")}`,
    });
  }
  const kept = Array.from({ length: entries }, (_, c) => c).filter((c) => c !== voidClass);
  return { classes, count: count as number, voidClass, kept };
}

/**
 * Appends the semantic scores Σ_q softmax(classes_q)_k · sigmoid(masks_q), k not void.
 *
 * @param masks [B, Q, …size]
 * @param images number N of samples that count, from the first on
 * @returns float32 [N, K, …size]
 * @see Cheng, Schwing, Kirillov: Per-Pixel Classification is Not All You Need for Semantic
 *   Segmentation, arXiv 2107.06278, equation 3 and section 3.3
 */
export function appendQueryScores(
  b: GraphBuilder,
  masks: Value,
  head: QueryHead,
  images: number,
): Value {
  const first = (x: Value) => b.cast(takeSamples(b, x, images), "float32");
  const size = masks.dims.slice(2);
  const all = b.op("Softmax", [first(b.value(head.classes))], { axis: 2 });
  const { voidClass, kept } = head;
  const parts = [
    ...(voidClass === undefined ? [all] : []),
    ...(voidClass !== undefined && voidClass > 0 ? [b.slice(all, [2], [0], [voidClass])] : []),
    ...(voidClass !== undefined && voidClass < kept.length
      ? [b.slice(all, [2], [voidClass + 1], [kept.length + 1])]
      : []),
  ];
  const probabilities =
    parts.length === 1 ? (parts[0] as Value) : b.op("Concat", parts, { axis: 2 });
  const regions = b.op("Sigmoid", [b.reshape(first(masks), [images, head.count, countOf(size)])]);
  const scores = b.matmul(b.transpose(probabilities, [0, 2, 1]), regions);
  return b.reshape(scores, [images, kept.length, ...size]);
}

/**
 * The same in JavaScript, from the model's own outputs.
 *
 * @returns for each class that is not void its scores, row by row
 */
export function queryScores(
  masks: ArrayLike<number>,
  classes: ArrayLike<number>,
  { count, kept, voidClass }: QueryHead,
  size: Size,
): Float64Array[] {
  const pixels = countOf(size);
  const entries = kept.length + (voidClass === undefined ? 0 : 1);
  const planes = kept.map(() => new Float64Array(pixels));
  for (let q = 0; q < count; q++) {
    const row = Array.from({ length: entries }, (_, c) => classes[q * entries + c] as number);
    const largest = row.reduce((max, v) => Math.max(max, v), Number.NEGATIVE_INFINITY);
    const exponentials = row.map((v) => Math.exp(v - largest));
    const sum = exponentials.reduce((total, v) => total + v, 0);
    for (let i = 0; i < pixels; i++) {
      const region = 1 / (1 + Math.exp(-(masks[q * pixels + i] as number)));
      kept.forEach((c, k) => {
        const plane = planes[k] as Float64Array;
        plane[i] = (plane[i] as number) + ((exponentials[c] as number) / sum) * region;
      });
    }
  }
  return planes;
}
