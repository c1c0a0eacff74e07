import { isBlocked } from "../graph/blocked-layout.ts";
import { unpoolInBlocks } from "./blocked-gradients.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import { spatialWindows, type SpatialWindow } from "./spatial-window.ts";

/** Lowest finite float32: padding that is never the maximum, and no NaN when multiplied by 0. */
const lowest = -3.4028234663852886e38;

/**
 * MaxPool (opset 1; any rank, overlap, pads, dilation, ceil_mode, auto_pad): dy goes to the first
 * maximum of each window in row-major order, as in PyTorch. The windows are taken apart into one
 * strided slice per kernel position; the output `Indices` is not used, since WebGPU has none and the
 * CPU loses its fast pooling with it.
 *
 * @see https://onnx.ai/onnx/operators/onnx__MaxPool.html
 */
export const maxPool: GradientRule = {
  opType: "MaxPool",
  build: (c) => {
    if (c.node.output.length > 1 && c.hasUpstream(1)) {
      throw new RuleRefusal("its output Indices has no gradient");
    }
    return [() => gradient(c)];
  },
};

function gradient(c: RuleContext): Value {
  const { b } = c;
  const windows = spatialWindows(c, c.ints("kernel_shape") as number[]);
  if (b.target === "cpu" && windows.every(isApart) && windows.length === 2) {
    const tiles = windows.every((w) => w.kernel === w.stride && w.out * w.stride === w.size);
    const kernel = windows.map((w) => w.kernel);
    const inBlocks =
      tiles && isBlocked(b, c.x()) && unpoolInBlocks(b, c.x(), c.y(), c.dy(), kernel);
    return inBlocks || unpool(c);
  }
  const padded = padToWindows(b, c.x(), windows);
  const positions = kernelPositions(windows);
  const zero = b.scalar(0, c.y().dtype);
  let rest = c.dy();
  const shares = positions.map((position, i) => {
    const isMaximum = b.op("Equal", [takeTap(b, padded, windows, position), c.y()]);
    const share = b.op("Where", [isMaximum, rest, zero]);
    if (i < positions.length - 1) {
      // What the first maximum took is gone for the others.
      rest = b.op("Where", [isMaximum, zero, rest]);
    }
    return share;
  });
  const folded = shares
    .map((share, i) => putTap(b, share, windows, positions[i] as number[]))
    .reduce((sum, part) => b.op("Add", [sum, part]));
  return cropToInput(b, folded, windows);
}

/** Whether windows neither overlap nor reach into padding. */
function isApart({ kernel, stride, dilation, begin, end, out, size }: SpatialWindow): boolean {
  return (
    kernel <= stride &&
    dilation === 1 &&
    begin === 0 &&
    end === 0 &&
    (out - 1) * stride + kernel <= size
  );
}

/**
 * The CPU has MaxUnpool and Indices, in the order of ties that PyTorch has. A second MaxPool yields the
 * indices, so that the model's own stays fast.
 */
function unpool(c: RuleContext): Value {
  const attributes = { kernel_shape: c.ints("kernel_shape"), strides: c.ints("strides") };
  const indices = c.b.maxPoolIndices(c.x(), c.y(), attributes);
  return c.b.op("MaxUnpool", [c.dy(), indices, c.b.ints(c.x().dims)], attributes);
}

/** Size of x with all pads: exactly what the windows cover. */
function covered({ out, stride, dilation, kernel }: SpatialWindow): number {
  return (out - 1) * stride + dilation * (kernel - 1) + 1;
}

function alongSpatial(begins: readonly number[], ends: readonly number[]): number[] {
  return [0, 0, ...begins, 0, 0, ...ends];
}

function padToWindows(b: GraphBuilder, x: Value, windows: readonly SpatialWindow[]): Value {
  const begins = windows.map(({ begin }) => begin);
  const ends = windows.map((w) => covered(w) - w.size - w.begin);
  return b.pad(x, alongSpatial(begins, ends), lowest);
}

function cropToInput(b: GraphBuilder, folded: Value, windows: readonly SpatialWindow[]): Value {
  const begins = windows.map(({ begin }) => -begin);
  const ends = windows.map((w) => w.size + w.begin - covered(w));
  return b.pad(folded, alongSpatial(begins, ends));
}

/** Every position in the kernel, in row-major order. */
function kernelPositions(windows: readonly SpatialWindow[]): number[][] {
  return windows.reduce<number[][]>(
    (all, { kernel }) =>
      all.flatMap((head) => Array.from({ length: kernel }, (_, k) => [...head, k])),
    [[]],
  );
}

/** The values that stand at one kernel position in every window; dims of y. */
function takeTap(
  b: GraphBuilder,
  padded: Value,
  windows: readonly SpatialWindow[],
  position: readonly number[],
): Value {
  const starts = windows.map(({ dilation }, i) => dilation * (position[i] as number));
  const ends = windows.map(({ out, stride }, i) => (starts[i] as number) + (out - 1) * stride + 1);
  return b.slice(
    padded,
    windows.map((_, i) => i + 2),
    starts,
    ends,
    windows.map(({ stride }) => stride),
  );
}

/** The adjoint of {@link takeTap}: zeros between and around. */
function putTap(
  b: GraphBuilder,
  share: Value,
  windows: readonly SpatialWindow[],
  position: readonly number[],
): Value {
  let spread = share;
  if (windows.some(({ stride }) => stride > 1)) {
    const [n, channels] = share.dims as [number, number];
    const apart = [n, channels, ...windows.flatMap(({ out }) => [out, 1])];
    const ends = [0, 0, ...windows.flatMap(({ stride }) => [0, stride - 1])];
    const zeros = b.pad(b.reshape(share, apart), [...ends.map(() => 0), ...ends]);
    spread = b.reshape(zeros, [n, channels, ...windows.map(({ out, stride }) => out * stride)]);
  }
  const begins = windows.map(({ dilation }, i) => dilation * (position[i] as number));
  const ends = windows.map((w, i) => covered(w) - (begins[i] as number) - w.out * w.stride);
  return b.pad(spread, alongSpatial(begins, ends));
}
