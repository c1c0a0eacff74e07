import type { NodeContext } from "../../graph/node-context.ts";
import type { Value } from "../../graph/value.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import { RuleRefusal } from "../../rules/gradient-rule.ts";
import type { Expansion } from "../expansion.ts";
import {
  allOf,
  joinHeads,
  scaledDotProduct,
  splitHeads,
  windowMasks,
} from "../scaled-dot-product.ts";

const domain = "com.microsoft";

/**
 * MultiHeadAttention of ONNX Runtime: query [batch, queries, width], key and value alike or already
 * [batch, heads, keys, size]; bias of all three, key padding mask [batch, keys], attention bias, past
 * keys and values. Packed inputs and other masks are refused.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention
 */
export const microsoftMultiHeadAttention: Expansion = {
  domain,
  opType: "MultiHeadAttention",
  expand: (c) => {
    if (!c.hasInput(1) || !c.hasInput(2) || c.x().dims.length !== 3) {
      throw new RuleRefusal("packed queries, keys and values are not differentiated");
    }
    if (c.hasInput(8) || c.hasInput(9) || c.hasOutput(3)) {
      throw new RuleRefusal(
        "past_sequence_length, cache_indirection and qk are not differentiated",
      );
    }
    const { b } = c;
    const { add } = arithmetic(b);
    const widths = [0, 1, 2].map((i) => {
      const { dims } = c.x(i);
      return dims.length === 4 ? (dims[1] as number) * (dims[3] as number) : (dims[2] as number);
    });
    const biases = c.hasInput(3) ? b.split(c.x(3), 0, widths) : [];
    const [query, key, value] = [0, 1, 2].map((i) => {
      const x = c.x(i);
      const bias = biases[i];
      if (x.dims.length === 4) {
        return x;
      }
      return splitHeads(b, bias === undefined ? x : add(x, bias), c.int("num_heads", 0));
    }) as [Value, Value, Value];
    const appended = (past: number, x: Value) =>
      c.hasInput(past) ? b.op("Concat", [c.x(past), x], { axis: 2 }) : x;
    const keys = appended(6, key);
    const values = appended(7, value);
    const result = attend(c, { query, key: keys, value: values, mask: 4, bias: 5 });
    return [result, keys, values];
  },
};

/**
 * Attention of ONNX Runtime's optimiser: queries, keys and values by one product of the input with
 * weights [width, sum of the three sizes]; mask [batch, keys] or [batch, queries, keys], past
 * [2, batch, heads, length, size]. Other masks and rotary embedding are refused.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention
 */
export const microsoftAttention: Expansion = {
  domain,
  opType: "Attention",
  expand: (c) => {
    if (
      c.int("do_rotary", 0) !== 0 ||
      c.int("past_present_share_buffer", 0) !== 0 ||
      c.hasInput(6)
    ) {
      throw new RuleRefusal("rotary embedding and shared buffers are not differentiated");
    }
    const { b } = c;
    const { add } = arithmetic(b);
    const product = b.matmul(c.x(), c.x(1));
    const packed = c.hasInput(2) ? add(product, c.x(2)) : product;
    const third = (packed.dims[2] as number) / 3;
    const sizes = c.ints("qkv_hidden_sizes") ?? [third, third, third];
    const [query, key, value] = b
      .split(packed, 2, sizes)
      .map((x) => splitHeads(b, x, c.int("num_heads", 0))) as [Value, Value, Value];
    const withPast = (i: number, x: Value) => {
      if (!c.hasInput(4)) {
        return x;
      }
      const past = b.slice(c.x(4), [0], [i], [i + 1]);
      return b.op("Concat", [b.reshape(past, past.dims.slice(1)), x], { axis: 2 });
    };
    const keys = withPast(0, key);
    const values = withPast(1, value);
    const result = attend(c, { query, key: keys, value: values, mask: 3, bias: 5 });
    const present = c.hasOutput(1)
      ? b.op(
          "Concat",
          [keys, values].map((x) => b.reshape(x, [1, ...x.dims])),
          { axis: 0 },
        )
      : undefined;
    return [result, present];
  },
};

interface Operands {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  /** Input that holds the mask of keys. */
  readonly mask: number;
  /** Input that is added to the scores. */
  readonly bias: number;
}

function attend(c: NodeContext, { query, key, value, mask, bias }: Operands): Value {
  const { b } = c;
  const { add } = arithmetic(b);
  const queries = query.dims[2] as number;
  const keys = key.dims[2] as number;
  const added = [
    ...(c.hasInput(mask) ? [maskBias(c, c.x(mask), queries, keys)] : []),
    ...(c.hasInput(bias) ? [c.x(bias)] : []),
  ];
  const right = c.int("unidirectional", 0) === 1 ? 0 : Infinity;
  const window = { left: Infinity, right };
  const { result } = scaledDotProduct(b, {
    query,
    key,
    value,
    scale: c.float("scale", 0) || 1 / Math.sqrt(query.dims[3] as number),
    bias: added.length === 0 ? undefined : added.reduce((x, y) => add(x, y)),
    allowed: allOf(b, windowMasks(b, queries, keys, keys - queries, window)),
  });
  return joinHeads(b, result);
}

/** `mask_filter_value` where the mask is 0. */
function maskBias(c: NodeContext, mask: Value, queries: number, keys: number): Value {
  const { b } = c;
  const { greater, where } = arithmetic(b);
  const [batch, ...rest] = mask.dims as readonly [number, ...number[]];
  const isPerKey = rest.length === 1 && rest[0] === keys;
  const isPerQuery = rest.length === 2 && rest[0] === queries && rest[1] === keys;
  if (!isPerKey && !isPerQuery) {
    throw new RuleRefusal(
      `its mask has dims [${mask.dims.join(", ")}], not [batch, ${keys}] or [batch, ${queries}, ${keys}]`,
    );
  }
  const { dtype } = c.y();
  const filter = b.scalar(c.float("mask_filter_value", -10_000), dtype);
  const added = where(greater(mask, 0), b.scalar(0, dtype), filter);
  return b.reshape(added, [batch, 1, isPerKey ? 1 : queries, keys]);
}
