import type { Value } from "../graph/value.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";
import { spatialWindows, type SpatialWindow } from "./spatial-window.ts";
import { spreadOverWindows } from "./spread-over-windows.ts";

/**
 * AveragePool (opset 7; pads, overlap, dilation, ceil_mode, auto_pad, count_include_pad): every pixel of
 * a window gets dy divided by the number of pixels that were averaged. The division is a constant
 * map.
 *
 * @see https://onnx.ai/onnx/operators/onnx__AveragePool.html
 */
export const averagePool: GradientRule = {
  opType: "AveragePool",
  build: (c) => [() => gradient(c)],
};

function gradient(c: RuleContext): Value {
  const { b } = c;
  const windows = spatialWindows(c, c.ints("kernel_shape") as number[]);
  const countsPads = c.int("count_include_pad", 0) === 1;
  return spreadOverWindows(b, b.op("Div", [c.dy(), countMap(c, windows, countsPads)]), windows);
}

/** How many pixels each window averages: a constant of dims [1, 1, out…]. */
function countMap(c: RuleContext, windows: readonly SpatialWindow[], countsPads: boolean): Value {
  const perAxis = windows.map((w) => {
    const [low, high] = countsPads ? [0, w.begin + w.size + w.end] : [w.begin, w.begin + w.size];
    return Array.from({ length: w.out }, (_, o) => {
      const taps = Array.from({ length: w.kernel }, (_, k) => o * w.stride + k * w.dilation);
      return taps.filter((at) => at >= low && at < high).length;
    });
  });
  const counts = perAxis.reduce(
    (product, axis) => product.flatMap((n) => axis.map((m) => n * m)),
    [1],
  );
  return c.b.constant(
    c.y().dtype,
    [1, 1, ...windows.map(({ out }) => out)],
    counts,
    "window_counts",
  );
}
