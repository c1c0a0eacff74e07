import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";
import { listOf, spatialWindows, type SpatialWindow } from "./spatial-window.ts";
import { subPixelConvolution } from "./sub-pixel-convolution.ts";

/**
 * Conv (opset 1; any rank, stride, pads, dilation, group). With stride 1, dx is a Conv of dy with W
 * transposed per group and flipped, padded by d(k − 1) − p; otherwise a ConvTranspose of dy with W
 * itself and `output_padding` (n + p₀ + p₁ − d(k − 1) − 1) mod s. `output_shape` is never emitted:
 * the runtime would then choose pads of its own. What other targets than the CPU do not compute as a
 * ConvTranspose goes by {@link subPixelConvolution}.
 *
 * dW is a Conv of x with dy over the batch, group by group, db the sum of dy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Conv.html
 */
export const conv: GradientRule = {
  opType: "Conv",
  build: (c) => {
    const kernel = c.x(1).dims.slice(2);
    const windows = spatialWindows(c, kernel);
    const group = c.int("group", 1);
    const dx = () => {
      const gradient = windows.every(({ stride }) => stride === 1)
        ? gradientByConv
        : hasConvTranspose(c.b, c.x(1), windows, group)
          ? gradientByConvTranspose
          : subPixelConvolution;
      return gradient(c.b, c.dy(), c.x(1), windows, group);
    };
    return [dx, weightGradient(c, windows, group), () => biasGradient(c)];
  },
};

/**
 * Whether the target computes the ConvTranspose: on WebGPU, ONNX Runtime 1.30 has none of volumes, and
 * gives other numbers for groups of several inputs and one output.
 */
function hasConvTranspose(
  b: GraphBuilder,
  w: Value,
  windows: readonly SpatialWindow[],
  group: number,
): boolean {
  const [inputs, outputs] = [(w.dims[0] as number) / group, w.dims[1]];
  const isFaulty = group > 1 && inputs > 1 && outputs === 1;
  return b.target === "cpu" || (windows.length <= 2 && !isFaulty);
}

function gradientByConv(
  b: GraphBuilder,
  dy: Value,
  w: Value,
  windows: readonly SpatialWindow[],
  group: number,
): Value {
  const reach = windows.map(({ dilation, kernel }) => dilation * (kernel - 1));
  const pads = [
    ...windows.map(({ begin }, i) => (reach[i] as number) - begin),
    ...windows.map(({ end }, i) => (reach[i] as number) - end),
  ];
  // Padding beyond the kernel's reach saw nothing of x: that part of dy is dropped.
  const cropped = b.pad(dy, alongSpatial(pads.map((p) => Math.min(0, p))));
  const weights = transposedAndFlipped(b, w, group);
  const padding = pads.map((p) => Math.max(0, p));
  if (group === 1 && gainsFromBlocks(b, w, windows)) {
    return convolveInBlocks(b, cropped, weights, padding);
  }
  return b.op("Conv", [cropped, weights], {
    kernel_shape: listOf(windows, "kernel"),
    dilations: listOf(windows, "dilation"),
    pads: padding,
    group,
  });
}

/** The CPU computes channels by the 8 or 16; with few of them, most of that work is for nothing. */
function gainsFromBlocks(b: GraphBuilder, w: Value, windows: readonly SpatialWindow[]): boolean {
  return (
    b.target === "cpu" &&
    windows.length === 2 &&
    (w.dims[1] as number) <= 4 &&
    windows.every(({ kernel, dilation, size }) => kernel > 1 && dilation === 1 && size % 2 === 0)
  );
}

/**
 * A convolution of stride 1 that computes blocks of 2×2 outputs as channels of one output, by the
 * kernel at its four offsets and stride 2, and then spreads them.
 */
function convolveInBlocks(b: GraphBuilder, x: Value, w: Value, pads: readonly number[]): Value {
  const [outputs, inputs, rows, columns] = w.dims as [number, number, number, number];
  const offsets = [0, 1].flatMap((i) => [0, 1].map((j) => [i, j] as const));
  const shifted = offsets.map(([i, j]) => {
    const padded = b.pad(w, [0, 0, i, j, 0, 0, 1 - i, 1 - j]);
    return b.reshape(padded, [outputs, 1, inputs, rows + 1, columns + 1]);
  });
  const joined = b.op("Concat", shifted, { axis: 1 });
  const weights = b.reshape(joined, [4 * outputs, inputs, rows + 1, columns + 1]);
  const blocks = b.op("Conv", [x, weights], {
    kernel_shape: [rows + 1, columns + 1],
    strides: [2, 2],
    pads: [...pads],
    group: 1,
  });
  return b.op("DepthToSpace", [blocks], { blocksize: 2, mode: "CRD" });
}

/** Pads of the spatial axes as pads of all axes. */
function alongSpatial(pads: readonly number[]): number[] {
  const half = pads.length / 2;
  return [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)];
}

/** W [O, I/g, k…] as [I, O/g, k…] with every kernel reversed; folded when the model is loaded. */
function transposedAndFlipped(b: GraphBuilder, w: Value, group: number): Value {
  const [outputs, inputsPerGroup, ...kernel] = w.dims as [number, number, ...number[]];
  const perGroup = outputs / group;
  const spatial = kernel.map((_, i) => i + 3);
  const split = b.reshape(w, [group, perGroup, inputsPerGroup, ...kernel]);
  const swapped = b.transpose(split, [0, 2, 1, ...spatial]);
  const merged = b.reshape(swapped, [group * inputsPerGroup, perGroup, ...kernel]);
  const axes = kernel.flatMap((k, i) => (k > 1 ? [i + 2] : []));
  return b.reverse(merged, axes);
}

function gradientByConvTranspose(
  b: GraphBuilder,
  dy: Value,
  w: Value,
  windows: readonly SpatialWindow[],
  group: number,
): Value {
  return b.op("ConvTranspose", [dy, w], {
    kernel_shape: listOf(windows, "kernel"),
    strides: listOf(windows, "stride"),
    dilations: listOf(windows, "dilation"),
    pads: [...listOf(windows, "begin"), ...listOf(windows, "end")],
    output_padding: windows.map(
      ({ size, begin, end, kernel, stride, dilation }) =>
        (size + begin + end - dilation * (kernel - 1) - 1) % stride,
    ),
    group,
  });
}

function weightGradient(c: RuleContext, windows: readonly SpatialWindow[], group: number) {
  return () => {
    const { b } = c;
    const swap = (x: Value) => b.transpose(x, [1, 0, ...windows.map((_, i) => i + 2)]);
    const [n, channels, ...size] = c.x().dims as [number, number, ...number[]];
    // Channel i of every group as a sample, whose channels are the samples of each group.
    const groups = b.reshape(c.x(), [n, group, channels / group, ...size]);
    const turned = b.transpose(groups, [2, 1, 0, ...windows.map((_, i) => i + 3)]);
    const x = b.reshape(turned, [channels / group, group * n, ...size]);
    const wide = b.op("Conv", [x, swap(c.dy())], {
      kernel_shape: listOf(windows, "out"),
      strides: listOf(windows, "dilation"),
      dilations: listOf(windows, "stride"),
      pads: [...listOf(windows, "begin"), ...listOf(windows, "end")],
      group,
    });
    const axes = windows.map((_, i) => i + 2);
    const exact = b.slice(
      wide,
      axes,
      axes.map(() => 0),
      listOf(windows, "kernel"),
    );
    return swap(exact);
  };
}

function biasGradient(c: RuleContext): Value {
  const dy = c.dy();
  const axes = dy.dims.flatMap((_, i) => (i === 1 ? [] : [i]));
  return c.b.reduce("ReduceSum", dy, axes, false);
}
