import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import type { SpatialWindow } from "./spatial-window.ts";

/**
 * The adjoint of a strided Conv as a Conv of stride 1. With s the stride, those pixels of dx whose place
 * in the padded input is r modulo s see only the taps that are r modulo s; each phase r is a set of
 * output channels of one Conv of dy, and the phases are interleaved afterwards. It runs where there is
 * no ConvTranspose of that rank, for ⌈k/s⌉·s/k times the work per axis.
 *
 * @param w weights [O, I/group, k…] of the Conv; dilation becomes zeros between the taps
 * @returns dx, of the sizes of the windows
 */
export function subPixelConvolution(
  b: GraphBuilder,
  dy: Value,
  w: Value,
  windows: readonly SpatialWindow[],
  group: number,
): Value {
  const rank = windows.length;
  const strides = windows.map(({ stride }) => stride);
  const taps = windows.map(({ kernel, dilation, stride }) =>
    Math.ceil((dilation * (kernel - 1) + 1) / stride),
  );
  // Pixels of each phase, the padding in front included.
  const counts = windows.map(({ size, begin, stride }) => Math.ceil((size + begin) / stride));
  const ends = windows.map(({ out }, i) => (counts[i] as number) - out);
  const zeros = windows.map(() => 0);
  const cropped = b.pad(dy, [0, 0, ...zeros, 0, 0, ...ends.map((end) => Math.min(0, end))]);
  const phases = b.op("Conv", [cropped, phaseWeights(b, w, windows, taps, group)], {
    kernel_shape: taps,
    pads: [...taps.map((count) => count - 1), ...ends.map((end) => Math.max(0, end))],
    group,
  });
  const [batch, channels] = [dy.dims[0] as number, (w.dims[1] as number) * group];
  const apart = b.reshape(phases, [batch, channels, ...strides, ...counts]);
  const perm = [0, 1, ...windows.flatMap((_, i) => [i + 2 + rank, i + 2])];
  const sizes = counts.map((count, i) => count * (strides[i] as number));
  const dx = b.reshape(b.transpose(apart, perm), [batch, channels, ...sizes]);
  const begins = windows.map(({ begin }) => -begin);
  const rest = windows.map(({ size, begin }, i) => size + begin - (sizes[i] as number));
  return b.pad(dx, [0, 0, ...begins, 0, 0, ...rest]);
}

/** W [O, I/g, k…] as [I · s · s …, O/g, taps…], taps reversed; folded when the model is loaded. */
function phaseWeights(
  b: GraphBuilder,
  w: Value,
  windows: readonly SpatialWindow[],
  taps: readonly number[],
  group: number,
): Value {
  const [outputs, inputsPerGroup] = w.dims as [number, number];
  const widths = windows.map(({ kernel, dilation }) => kernel * dilation);
  const apart = windows.flatMap(({ kernel }) => [kernel, 1]);
  const between = windows.flatMap(({ dilation }) => [0, dilation - 1]);
  const taken = b.reshape(w, [outputs, inputsPerGroup, ...apart]);
  const dilated = b.reshape(b.pad(taken, [0, 0, ...between.map(() => 0), 0, 0, ...between]), [
    outputs,
    inputsPerGroup,
    ...widths,
  ]);
  const missing = windows.map(
    ({ stride }, i) => (taps[i] as number) * stride - (widths[i] as number),
  );
  const whole = b.pad(dilated, [0, 0, ...missing.map(() => 0), 0, 0, ...missing]);
  const split = b.reshape(whole, [
    group,
    outputs / group,
    inputsPerGroup,
    ...windows.flatMap(({ stride }, i) => [taps[i] as number, stride]),
  ]);
  const tapAxes = windows.map((_, i) => 2 * i + 3);
  const perm = [0, 2, ...tapAxes.map((axis) => axis + 1), 1, ...tapAxes];
  const phases = windows.reduce((product, { stride }) => product * stride, 1);
  const merged = b.reshape(b.transpose(split, perm), [
    group * inputsPerGroup * phases,
    outputs / group,
    ...taps,
  ]);
  return b.reverse(
    merged,
    taps.flatMap((count, i) => (count > 1 ? [i + 2] : [])),
  );
}
