import type { Value } from "../graph/value.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * Col2Im (opset 18; any rank, strides, pads, dilations) sums columns into the image they were cut from;
 * dx cuts them out of dy again, zeros beyond it (torch.nn.functional.unfold).
 *
 * @see https://onnx.ai/onnx/operators/onnx__Col2Im.html
 */
export const col2Im: GradientRule = {
  opType: "Col2Im",
  build: (c) => {
    const kernel = c.constant(2);
    if (kernel === undefined) {
      throw new RuleRefusal("block_shape is computed; it has to be a constant");
    }
    return [() => columns(c, kernel)];
  },
};

function columns(c: RuleContext, kernel: readonly number[]): Value {
  const { b } = c;
  const rank = kernel.length;
  const list = (name: string, fallback: number) =>
    c.ints(name) ?? Array.from({ length: rank }, () => fallback);
  const [strides, dilations] = [list("strides", 1), list("dilations", 1)];
  const pads = c.ints("pads") ?? Array.from({ length: 2 * rank }, () => 0);
  const padded = b.pad(c.dy(), [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)]);
  // Every spatial axis becomes two, the taps of the kernel and the blocks.
  let cut = padded;
  kernel.forEach((k, i) => {
    const [stride, dilation] = [strides[i], dilations[i]] as [number, number];
    const extent = padded.dims[i + 2] as number;
    const blocks = Math.floor((extent - dilation * (k - 1) - 1) / stride) + 1;
    const places = Array.from({ length: k }, (_, tap) =>
      Array.from({ length: blocks }, (__, block) => tap * dilation + block * stride),
    );
    const indices = b.constant("int64", [k, blocks], places.flat());
    cut = b.op("Gather", [cut, indices], { axis: 2 * i + 2 });
  });
  const taps = kernel.map((_, i) => 2 * i + 2);
  const perm = [0, 1, ...taps, ...taps.map((axis) => axis + 1)];
  return b.reshape(b.transpose(cut, perm), c.x().dims);
}
