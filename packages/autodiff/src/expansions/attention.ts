import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { dataTypeFromProto } from "../model/data-type.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { Expansion } from "./expansion.ts";
import {
  allOf,
  joinHeads,
  keyIndices,
  scaledDotProduct,
  splitHeads,
  windowMasks,
  type ScaledDotProductStages,
  type Window,
} from "./scaled-dot-product.ts";

/**
 * Attention (opset 23, 24, 25): scaled dot-product attention with past keys and values, boolean or
 * additive mask, causal mask, sliding window, grouped queries and softcap.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Attention.html
 */
export const attention: Expansion = {
  opType: "Attention",
  expand: (c) => {
    const { b } = c;
    const isFlat = c.x().dims.length === 3;
    const heads = (i: number, name: string) =>
      isFlat ? splitHeads(b, c.x(i), c.int(name, 0)) : c.x(i);
    const query = heads(0, "q_num_heads");
    const appended = (i: number, past: number) => {
      const x = heads(i, "kv_num_heads");
      return c.hasInput(past) ? b.op("Concat", [c.x(past), x], { axis: 2 }) : x;
    };
    const key = appended(1, 4);
    const value = appended(2, 5);
    const stages = scaledDotProduct(b, {
      query,
      key,
      value,
      scale: c.float("scale", 1 / Math.sqrt(query.dims[3] as number)),
      softcap: c.float("softcap", 0),
      precision: dataTypeFromProto(c.int("softmax_precision", 0)),
      ...masks(c, query, key),
    });
    const { result } = stages;
    const shown = c.hasOutput(3) ? stage(c, stages) : undefined;
    return [isFlat ? joinHeads(b, result) : result, key, value, shown];
  },
};

/** The output `qk_matmul_output`. */
function stage(c: NodeContext, { scores, capped, masked, probabilities }: ScaledDotProductStages) {
  const mode = c.int("qk_matmul_output_mode", 0);
  return mode === 2 ? masked() : [scores, capped, undefined, probabilities][mode];
}

/** What the causal mask and the sliding window leave of the keys. */
function windowOf(c: NodeContext): Window {
  const bound = (name: string) => {
    const size = c.int(name, -1);
    return size < 0 ? Infinity : size;
  };
  const isCausal = c.int("is_causal", 0) === 1;
  return { left: bound("left_window_size"), right: isCausal ? 0 : bound("right_window_size") };
}

/** The additive mask, and what all the other masks allow. */
function masks(c: NodeContext, query: Value, key: Value): { bias?: Value; allowed?: Value } {
  const { b } = c;
  const queries = query.dims[2] as number;
  const keys = key.dims[2] as number;
  const allowed: Value[] = [];
  let bias: Value | undefined;
  if (c.hasInput(3)) {
    const mask = c.x(3);
    const missing = keys - (mask.dims.at(-1) as number);
    if (mask.dtype === "bool") {
      allowed.push(missing === 0 ? mask : padMask(c, mask, missing));
    } else {
      bias = missing === 0 ? mask : b.pad(mask, padsAtEnd(mask, missing));
      if (missing > 0) {
        allowed.push(b.op("Less", [keyIndices(b, keys), b.scalar(keys - missing, "int64")]));
      }
    }
  }
  let offset: Value | number = c.hasInput(4) ? (c.x(4).dims[2] as number) : 0;
  if (c.hasInput(6)) {
    // Keys before the end of each sample, of which the queries are the last.
    const lengths = b.reshape(b.cast(c.x(6), "int64"), [c.x(6).dims[0] as number, 1, 1, 1]);
    allowed.push(b.op("Less", [keyIndices(b, keys), lengths]));
    offset = arithmetic(b).sub(lengths, queries);
  }
  allowed.push(...windowMasks(b, queries, keys, offset, windowOf(c)));
  return { bias, allowed: allOf(b, allowed) };
}

const padsAtEnd = (x: Value, missing: number) => [
  ...x.dims.map(() => 0),
  ...x.dims.map((_, i) => (i === x.dims.length - 1 ? missing : 0)),
];

function padMask({ b }: NodeContext, mask: Value, missing: number): Value {
  const rest = b.expand(b.constant("bool", [], [0]), [...mask.dims.slice(0, -1), missing]);
  return b.op("Concat", [mask, rest], { axis: mask.dims.length - 1 });
}
