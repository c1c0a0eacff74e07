import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { dataTypeFromProto } from "../model/data-type.ts";
import { arithmetic } from "../rules/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";
import {
  joinHeads,
  scaledDotProduct,
  splitHeads,
  windowMask,
  type ScaledDotProductStages,
  type Window,
} from "./scaled-dot-product.ts";

/**
 * Attention (opset 23, 24, 25): scaled dot-product attention with past keys and values, boolean or
 * additive mask, causal mask, sliding window, grouped queries and softcap. The softmax is computed in the inputs'
 * dtype.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Attention.html
 */
export const attention: Expansion = {
  opType: "Attention",
  expand: (c) => {
    const { b } = c;
    refuseUnknown(c);
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
  if (mode === 2 && masked !== capped) {
    throw new RuleRefusal("its scores with the mask, −∞ among them, are not differentiated");
  }
  return [scores, capped, masked, probabilities][mode];
}

function refuseUnknown(c: NodeContext): void {
  const precision = c.int("softmax_precision", undefined);
  const dtype = precision === undefined ? undefined : dataTypeFromProto(precision);
  if (precision !== undefined && dtype !== c.x().dtype && c.x().dtype !== "float32") {
    throw new RuleRefusal(`softmax_precision is ${dtype} where its inputs are ${c.x().dtype}`);
  }
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
        allowed.push(
          b.constant(
            "bool",
            [keys],
            Array.from({ length: keys }, (_, j) => (j < keys - missing ? 1 : 0)),
          ),
        );
      }
    }
  }
  const window = windowOf(c);
  if (c.hasInput(6)) {
    allowed.push(...beforeEnd(c, queries, keys, window));
  } else if (window.left < Infinity || window.right < Infinity) {
    const offset = c.hasInput(4) ? (c.x(4).dims[2] as number) : 0;
    allowed.push(windowMask(b, queries, keys, offset, window));
  }
  return {
    bias,
    allowed: allowed.length === 0 ? undefined : allowed.reduce((x, y) => b.op("And", [x, y])),
  };
}

const padsAtEnd = (x: Value, missing: number) => [
  ...x.dims.map(() => 0),
  ...x.dims.map((_, i) => (i === x.dims.length - 1 ? missing : 0)),
];

function padMask({ b }: NodeContext, mask: Value, missing: number): Value {
  const rest = b.expand(b.constant("bool", [], [0]), [...mask.dims.slice(0, -1), missing]);
  return b.op("Concat", [mask, rest], { axis: mask.dims.length - 1 });
}

/**
 * Keys before the end of each sample, and within the window of its queries, which are its last:
 * masks that broadcast to [batch, 1, queries, keys].
 */
function beforeEnd(c: NodeContext, queries: number, keys: number, window: Window): Value[] {
  const { b } = c;
  const { add, sub } = arithmetic(b);
  const lengths = b.reshape(b.cast(c.x(6), "int64"), [c.x(6).dims[0] as number, 1, 1, 1]);
  const indices = (n: number, dims: readonly number[]) =>
    b.constant(
      "int64",
      dims,
      Array.from({ length: n }, (_, i) => i),
    );
  const column = indices(keys, [1, 1, 1, keys]);
  const allowed = [b.op("Less", [column, lengths])];
  const own = add(indices(queries, [1, 1, queries, 1]), sub(lengths, queries));
  if (window.right < Infinity) {
    allowed.push(b.op("Less", [column, add(own, window.right + 1)]));
  }
  if (window.left < Infinity) {
    allowed.push(b.op("Greater", [column, sub(own, window.left + 1)]));
  }
  return allowed;
}
