import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule, RuleContext } from "./gradient-rule.ts";
import {
  linearNeighbours,
  sampleGradients,
  samples,
  scatterSamples,
  type SampledAxis,
} from "./interpolated-samples.ts";
import { lazy } from "./lazy.ts";
import { spatialWindows, type SpatialWindow } from "./spatial-window.ts";

/**
 * DeformConv (opset 19; images, stride, pads, dilation, groups, offset groups, mask). Every tap k of the
 * kernel reads s = x at o·stride − pad + k·dilation + offset, linearly interpolated, zero beyond the
 * image; y = Σ W · mask · s. With g = Wᵀdy per tap: dX adds g · mask to the neighbours of the tap,
 * doffset = Σ_channels g · mask · ∂s/∂position, dmask = Σ_channels g · s, dW = dy · (mask · s)ᵀ, and
 * db is the sum of dy. At a pixel itself the slope is the one to its right.
 *
 * @see https://onnx.ai/onnx/operators/onnx__DeformConv.html
 */
export const deformConv: GradientRule = {
  opType: "DeformConv",
  build: (c) => {
    const { b } = c;
    const { mul } = arithmetic(b);
    const part = partition(c);
    const axes = lazy(() => sampledAxes(c, part));
    const image = lazy(() => b.reshape(c.x(), [part.images, part.channelsPerImage, part.pixels]));
    const mask = lazy(() => b.reshape(c.x(4), [part.images, 1, part.taps]));
    const unmasked = lazy(() => tapGradients(c, part));
    const g = lazy(() => (c.hasInput(4) ? mul(unmasked(), mask()) : unmasked()));
    return [
      () => b.reshape(scatterSamples(b, axes(), g()), c.x().dims),
      () => {
        const read = samples(b, axes(), image());
        return weightGradient(c, part, c.hasInput(4) ? mul(read, mask()) : read);
      },
      () => {
        const slopes = sampleGradients(b, axes(), image(), g()).positions();
        const columns = slopes.map((slope) =>
          b.reshape(slope, [part.images, part.kernel, 1, part.outputs]),
        );
        return b.reshape(b.op("Concat", columns, { axis: 2 }), c.x(2).dims);
      },
      () => b.reduce("ReduceSum", c.dy(), [0, 2, 3], false),
      () => b.reshape(sampleGradients(b, axes(), image(), unmasked()).values(), c.x(4).dims),
    ];
  },
};

/** Every offset group of every batch element is an image of its own, sampled once per tap and output. */
interface Partition {
  readonly windows: readonly SpatialWindow[];
  readonly group: number;
  readonly images: number;
  readonly channelsPerImage: number;
  readonly pixels: number;
  /** Taps of the kernel, output pixels, and their product. */
  readonly kernel: number;
  readonly outputs: number;
  readonly taps: number;
}

function partition(c: RuleContext): Partition {
  const [batch, channels] = c.x().dims as [number, number];
  const offsetGroups = c.int("offset_group", 1);
  const windows = spatialWindows(c, c.x(1).dims.slice(2));
  const product = (key: "kernel" | "out" | "size") =>
    windows.reduce((count, window) => count * window[key], 1);
  return {
    windows,
    group: c.int("group", 1),
    images: batch * offsetGroups,
    channelsPerImage: channels / offsetGroups,
    pixels: product("size"),
    kernel: product("kernel"),
    outputs: product("out"),
    taps: product("kernel") * product("out"),
  };
}

function sampledAxes(c: RuleContext, part: Partition): SampledAxis[] {
  const { b } = c;
  const { add } = arithmetic(b);
  const { images, kernel, windows } = part;
  const outs = windows.map(({ out }) => out);
  const pairs = b.reshape(c.x(2), [images, kernel, windows.length, ...outs]);
  return windows.map((window, i) => {
    const offset = b.reshape(b.slice(pairs, [2], [i], [i + 1]), [images, kernel, ...outs]);
    const position = add(offset, regularPositions(b, windows, i, offset));
    const flat = b.reshape(position, [images, 1, part.taps]);
    return { size: window.size, neighbours: linearNeighbours(b, flat, window.size) };
  });
}

/** Where a tap would read without offset: a constant [kernel, out along the axis], with ones between. */
function regularPositions(
  b: GraphBuilder,
  windows: readonly SpatialWindow[],
  axis: number,
  { dtype }: Value,
): Value {
  const { stride, dilation, begin, out } = windows[axis] as SpatialWindow;
  const inner = windows.slice(axis + 1).reduce((count, { kernel }) => count * kernel, 1);
  const kernel = windows.reduce((count, window) => count * window.kernel, 1);
  const positions = Array.from({ length: kernel }, (_, k) => {
    const along = Math.floor(k / inner) % (windows[axis] as SpatialWindow).kernel;
    return Array.from({ length: out }, (_, o) => o * stride - begin + along * dilation);
  });
  const outs = windows.map((_, i) => (i === axis ? out : 1));
  return b.constant(dtype, [kernel, ...outs], positions.flat(), "tap_positions");
}

/** dy by channel group: [N, group, outputs per group, output pixels]. */
function groupedUpstream(c: RuleContext, { group, outputs }: Partition): Value {
  const [batch, channels] = c.y().dims as [number, number];
  return c.b.reshape(c.dy(), [batch, group, channels / group, outputs]);
}

/** Wᵀ dy: what arrives at every tap, [images, channels per image, taps]. */
function tapGradients(c: RuleContext, part: Partition): Value {
  const { b } = c;
  const w = c.x(1);
  const [outputs, inputs] = w.dims as [number, number];
  const rows = b.reshape(w, [part.group, outputs / part.group, inputs * part.kernel]);
  const product = b.matmul(b.transpose(rows, [0, 2, 1]), groupedUpstream(c, part));
  return b.reshape(product, [part.images, part.channelsPerImage, part.taps]);
}

/** @param read what every tap read, mask included: [images, channels per image, taps] */
function weightGradient(c: RuleContext, part: Partition, read: Value): Value {
  const { b } = c;
  const batch = c.x().dims[0] as number;
  const inputs = c.x(1).dims[1] as number;
  const columns = b.reshape(read, [batch, part.group, inputs * part.kernel, part.outputs]);
  const perImage = b.matmul(groupedUpstream(c, part), b.transpose(columns, [0, 1, 3, 2]));
  return b.reshape(b.reduce("ReduceSum", perImage, [0], false), c.x(1).dims);
}
