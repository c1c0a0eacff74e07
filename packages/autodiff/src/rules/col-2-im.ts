import type { Value } from "../graph/value.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * Col2Im (opset 18): adds blocks into an image where they overlap. dx = the blocks of dy: of the padded
 * dy, one strided slice for each place in a block.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Col2Im.html
 */
export const col2Im: GradientRule = {
  opType: "Col2Im",
  build: (c) => {
    const block = c.constant(2);
    if (block === undefined) {
      throw new RuleRefusal("the block shape has to be a constant");
    }
    return [() => blocksOf(c, block), null, null];
  },
};

function blocksOf(c: RuleContext, block: readonly number[]): Value {
  const { b } = c;
  const rank = block.length;
  const axes = block.map((_, i) => i + 2);
  const ones = block.map(() => 1);
  const strides = c.ints("strides") ?? ones;
  const dilations = c.ints("dilations") ?? ones;
  const pads = c.ints("pads") ?? [...ones, ...ones].map(() => 0);
  const padded = b.pad(c.dy(), [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)]);
  const counts = axes.map((axis, i) => {
    const reach = (block[i] as number) - 1;
    const size = padded.dims[axis] as number;
    return Math.floor((size - 1 - reach * (dilations[i] as number)) / (strides[i] as number)) + 1;
  });
  const [n, channels] = padded.dims as [number, number];
  const length = counts.reduce((product, count) => product * count, 1);
  // Row-major over the places in a block.
  const places = block.reduce<number[][]>(
    (before, size) =>
      before.flatMap((place) => Array.from({ length: size }, (_, k) => [...place, k])),
    [[]],
  );
  const slices = places.map((place) => {
    const starts = place.map((k, i) => k * (dilations[i] as number));
    const ends = starts.map(
      (start, i) => start + ((counts[i] as number) - 1) * (strides[i] as number) + 1,
    );
    return b.reshape(b.slice(padded, axes, starts, ends, strides), [n, channels, 1, length]);
  });
  return b.reshape(b.op("Concat", slices, { axis: 2 }), c.x().dims);
}
