import type { Value } from "../graph/value.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * ConvTranspose (opset 1; any rank, stride, pads, dilation, group, output_padding, output_shape):
 * dx is a Conv of dy with W itself, whose layout [I, O/g, k…] is that of a Conv from dy to x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 */
export const convTranspose: GradientRule = {
  opType: "ConvTranspose",
  build: (c) => {
    if (c.needsGradient(1)) {
      throw new RuleRefusal("its weights are computed from the image");
    }
    return [() => inputGradient(c), null, () => biasGradient(c)];
  },
};

function inputGradient(c: RuleContext): Value {
  const kernel = c.x(1).dims.slice(2);
  const rank = kernel.length;
  const strides = c.ints("strides") ?? kernel.map(() => 1);
  const dilations = c.ints("dilations") ?? kernel.map(() => 1);
  const begins = beginPads(c, kernel, strides, dilations);
  const pads = Array.from({ length: 2 * rank }, () => 0);
  const crops = Array.from({ length: 2 * (rank + 2) }, () => 0);
  kernel.forEach((k, i) => {
    const [size, out] = [c.x().dims[i + 2] as number, c.y().dims[i + 2] as number];
    const begin = begins[i] as number;
    // What a Conv needs to give exactly `size`: rows of dy beyond it (output_padding) saw nothing of x.
    const reach = (dilations[i] as number) * (k - 1) + 1;
    const end = (size - 1) * (strides[i] as number) + reach - out - begin;
    pads[i] = Math.max(0, begin);
    pads[i + rank] = Math.max(0, end);
    crops[i + 2] = Math.min(0, begin);
    crops[i + 4 + rank] = Math.min(0, end);
  });
  return c.b.op("Conv", [c.b.pad(c.dy(), crops), c.x(1)], {
    kernel_shape: kernel,
    strides,
    dilations,
    pads,
    group: c.int("group", 1),
  });
}

/** Pads at the beginning of each axis, with `output_shape` and `auto_pad` resolved as ONNX defines them. */
function beginPads(
  c: RuleContext,
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const autoPad = c.string("auto_pad", "NOTSET");
  const isGiven = c.ints("output_shape") === undefined && (autoPad === "NOTSET" || autoPad === "");
  if (isGiven || autoPad === "VALID") {
    return kernel.map((_, i) => (isGiven ? (c.ints("pads")?.[i] ?? 0) : 0));
  }
  return kernel.map((k, i) => {
    const [size, out] = [c.x().dims[i + 2] as number, c.y().dims[i + 2] as number];
    const extra = c.ints("output_padding")?.[i] ?? 0;
    const reach = (dilations[i] as number) * (k - 1) + 1;
    const total = Math.max(0, (strides[i] as number) * (size - 1) + extra + reach - out);
    return autoPad === "SAME_UPPER" ? Math.floor(total / 2) : total - Math.floor(total / 2);
  });
}

function biasGradient(c: RuleContext): Value {
  const dy = c.dy();
  const axes = dy.dims.flatMap((_, i) => (i === 1 ? [] : [i]));
  return c.b.reduce("ReduceSum", dy, axes, false);
}
