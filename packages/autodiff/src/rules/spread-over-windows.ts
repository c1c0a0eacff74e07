import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { multiplyAxis } from "./axis-matrix.ts";
import { listOf, type SpatialWindow } from "./spatial-window.ts";

/**
 * The adjoint of summing over windows: every pixel of the input gets the sum of `dy` over the windows
 * that hold it. Up to two spatial axes this is a depthwise ConvTranspose with ones; for more, which few
 * execution providers can transpose, one product with a constant matrix per axis.
 */
export function spreadOverWindows(
  b: GraphBuilder,
  dy: Value,
  windows: readonly SpatialWindow[],
): Value {
  if (windows.length > 2) {
    return windows.reduce((sum, window, i) => multiplyAxis(b, sum, i + 2, membership(window)), dy);
  }
  const channels = dy.dims[1] as number;
  const kernel = listOf(windows, "kernel");
  const ones = b.expand(b.scalar(1, dy.dtype), [channels, 1, ...kernel]);
  // Everything the windows reach, then without the padding, then up to the input's size.
  const spread = b.op("ConvTranspose", [dy, ones], {
    kernel_shape: kernel,
    strides: listOf(windows, "stride"),
    dilations: listOf(windows, "dilation"),
    group: channels,
  });
  const begins = windows.map(({ begin }) => -begin);
  const ends = windows.map((w, i) => w.size + w.begin - (spread.dims[i + 2] as number));
  return b.pad(spread, [0, 0, ...begins, 0, 0, ...ends]);
}

/** Which windows (columns) hold which pixels (rows). */
function membership({ size, out, kernel, stride, dilation, begin }: SpatialWindow): number[][] {
  const rows = Array.from({ length: size }, () => Array.from({ length: out }, () => 0));
  for (let o = 0; o < out; o++) {
    for (let k = 0; k < kernel; k++) {
      const row = rows[o * stride + k * dilation - begin];
      if (row !== undefined) {
        row[o] = 1;
      }
    }
  }
  return rows;
}
