import type { NodeContext } from "../graph/node-context.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";
import { joinHeads, splitHeads } from "./scaled-dot-product.ts";

/**
 * RotaryEmbedding (opset 23): pairs (x₁, x₂) of each head, halves or neighbours, turned by the angles
 * whose cosines and sines are given; what lies beyond `rotary_embedding_dim` stays.
 *
 * @see https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html
 */
export const rotaryEmbedding: Expansion = {
  opType: "RotaryEmbedding",
  expand: (c) => {
    const isFlat = c.x().dims.length === 3;
    const x = isFlat ? splitHeads(c.b, c.x(), c.int("num_heads", 0)) : c.x();
    const positions = c.hasInput(3) ? c.x(3) : undefined;
    const turned = rotate(c, x, c.x(1), c.x(2), positions);
    return [isFlat ? joinHeads(c.b, turned) : turned];
  },
};

/**
 * RotaryEmbedding of ONNX Runtime's com.microsoft domain: x, position ids (one per token, or the
 * first one alone), cosines, sines.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.RotaryEmbedding
 */
export const microsoftRotaryEmbedding: Expansion = {
  opType: "RotaryEmbedding",
  domain: "com.microsoft",
  expand: (c) => {
    const { b } = c;
    if (c.float("scale", 1) !== 1 || c.int("is_packed_batching", 0) !== 0) {
      throw new RuleRefusal("scale and is_packed_batching are not differentiated");
    }
    const isFlat = c.x().dims.length === 3;
    const width = (c.x(2).dims.at(-1) as number) * 2;
    // Without a number of heads, the caches tell the size of a head.
    const heads = c.int("num_heads", 0) || (c.x().dims.at(-1) as number) / width;
    const x = isFlat ? splitHeads(b, c.x(), heads) : c.x();
    const [batch, , length] = x.dims as readonly [number, number, number];
    const ids = c.x(1);
    const steps = b.constant(
      "int64",
      [1, length],
      Array.from({ length }, (_, i) => i),
    );
    const positions =
      ids.dims.length === 2 ? ids : b.expand(arithmetic(b).add(steps, ids), [batch, length]);
    const turned = rotate(c, x, c.x(2), c.x(3), positions);
    return [isFlat ? joinHeads(b, turned) : turned];
  },
};

/** `x` is [batch, heads, length, size]; `positions`, where given, pick the rows of the caches. */
function rotate(
  c: NodeContext,
  x: Value,
  cosines: Value,
  sines: Value,
  positions: Value | undefined,
): Value {
  const { b } = c;
  const { add, mul, sub } = arithmetic(b);
  const [batch, heads, length, size] = x.dims as readonly [number, number, number, number];
  const width = c.int("rotary_embedding_dim", 0) || size;
  const half = width / 2;
  const turned = width === size ? x : b.slice(x, [3], [0], [width]);
  const perToken = (cache: Value) => {
    const rows = positions === undefined ? cache : b.op("Gather", [cache, positions], { axis: 0 });
    return b.reshape(rows, [rows.dims[0] as number, 1, length, half]);
  };
  const cos = perToken(cosines);
  const sin = perToken(sines);
  const isInterleaved = c.int("interleaved", 0) === 1;
  const pairs = b.reshape(
    turned,
    isInterleaved ? [batch, heads, length, half, 2] : [batch, heads, length, 2, half],
  );
  const axis = isInterleaved ? 4 : 3;
  const part = (i: number) =>
    b.reshape(b.slice(pairs, [axis], [i], [i + 1]), [batch, heads, length, half]);
  const [x1, x2] = [part(0), part(1)];
  const real = sub(mul(cos, x1), mul(sin, x2));
  const imaginary = add(mul(sin, x1), mul(cos, x2));
  const shape = isInterleaved ? [batch, heads, length, half, 1] : [batch, heads, length, 1, half];
  const joined = b.op("Concat", [b.reshape(real, shape), b.reshape(imaginary, shape)], { axis });
  const result = b.reshape(joined, [batch, heads, length, width]);
  return width === size
    ? result
    : b.op("Concat", [result, b.slice(x, [3], [width], [size])], { axis: 3 });
}
