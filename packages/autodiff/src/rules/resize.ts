import type { GraphBuilder } from "../graph/graph-builder.ts";
import { normalizeAxis, type Value } from "../graph/value.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import {
  interpolationMatrix,
  type Interpolation,
  type ResizedAxis,
} from "./interpolation-matrix.ts";

/**
 * Resize (opset 10; nearest, linear, cubic, every coordinate and rounding mode, antialias) is linear:
 * y = W x along each axis, so dx = Wᵀ dy with constant matrices. Whole repetitions (nearest, integer
 * scale) are summed by an average pool instead.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Resize.html
 */
export const resize: GradientRule = {
  opType: "Resize",
  build: (c) => {
    const how = interpolationOf(c);
    const axes = resizedAxes(c);
    return [() => inputGradient(c, how, axes)];
  },
};

function inputGradient(
  c: RuleContext,
  how: Interpolation,
  axes: ReadonlyMap<number, ResizedAxis>,
): Value {
  const { b } = c;
  const matrices = new Map<number, number[][]>();
  for (const [axis, resized] of axes) {
    // The runtime leaves an axis of scale 1 alone, whatever the coordinates say.
    if (resized.scale !== 1 || resized.size !== resized.out) {
      matrices.set(axis, interpolationMatrix(resized, how));
    }
  }
  const repeats = [2, 3].map((axis) => repetition(matrices.get(axis)));
  const isRepetition =
    c.x().dims.length === 4 &&
    [...matrices.keys()].every((axis) => axis >= 2) &&
    repeats.every((times) => times !== undefined);
  if (isRepetition) {
    return sumOfBlocks(b, c.dy(), repeats as [number, number]);
  }
  return [...matrices].reduce((dy, [axis, matrix]) => applyTransposed(b, dy, axis, matrix), c.dy());
}

function sumOfBlocks(b: GraphBuilder, dy: Value, kernel: [number, number]): Value {
  const [rows, columns] = kernel;
  const attributes = { kernel_shape: kernel, strides: kernel };
  if (b.producer(dy)?.opType === "Pad") {
    // ONNX Runtime moves a Pad into a pool that follows, and then refuses pads as wide as the kernel.
    const group = dy.dims[1] as number;
    const data = Array.from({ length: group * rows * columns }, () => 1);
    const ones = b.constant(dy.dtype, [group, 1, rows, columns], data, "ones");
    return b.op("Conv", [dy, ones], { ...attributes, group });
  }
  const mean = b.op("AveragePool", [dy], attributes);
  return b.op("Mul", [mean, b.scalar(rows * columns, mean.dtype)]);
}

/** Multiplies an axis of `dy` by the transposed matrix ([out, size]). */
function applyTransposed(
  b: GraphBuilder,
  dy: Value,
  axis: number,
  matrix: readonly (readonly number[])[],
): Value {
  const [out, size] = [matrix.length, matrix[0]?.length ?? 0];
  const rank = dy.dims.length;
  const constant = (dims: readonly [number, number], data: readonly number[]) =>
    b.constant(dy.dtype, dims, data, "interpolation");
  if (rank > 1 && axis === rank - 2) {
    const transposed = Array.from({ length: size }, (_, j) =>
      matrix.map((row) => row[j] as number),
    );
    return b.matmul(constant([size, out], transposed.flat()), dy);
  }
  const right = constant([out, size], matrix.flat());
  if (axis === rank - 1 && rank > 1) {
    return b.matmul(dy, right);
  }
  const perm = Array.from({ length: rank }, (_, i) =>
    i === axis ? rank - 1 : i === rank - 1 ? axis : i,
  );
  const last = b.transpose(dy, perm);
  const rows = b.reshape(last, [last.dims.slice(0, -1).reduce((n, d) => n * d, 1), out]);
  const product = b.matmul(rows, right);
  return b.transpose(b.reshape(product, [...last.dims.slice(0, -1), size]), perm);
}

/** How often each input is repeated when the matrix does nothing else; 1 for an axis left alone. */
function repetition(matrix: readonly (readonly number[])[] | undefined): number | undefined {
  if (matrix === undefined) {
    return 1;
  }
  const times = matrix.length / (matrix[0]?.length ?? 1);
  const isWhole = matrix.every((row, i) => row[Math.floor(i / times)] === 1);
  return Number.isInteger(times) && isWhole ? times : undefined;
}

function interpolationOf(c: RuleContext): Interpolation {
  const mode = c.string("mode", "nearest");
  const isOld = c.opset < 11;
  if (mode !== "nearest" && mode !== "linear" && mode !== "cubic") {
    throw new RuleRefusal(`mode '${mode}' is not one of nearest, linear, cubic`);
  }
  return {
    mode,
    coordinates: isOld ? "asymmetric" : c.string("coordinate_transformation_mode", "half_pixel"),
    nearestMode: isOld ? "simple" : c.string("nearest_mode", "round_prefer_floor"),
    cubicCoefficient: c.float("cubic_coeff_a", -0.75),
    excludesOutside: c.int("exclude_outside", 0) === 1,
    antialias: c.int("antialias", 0) === 1,
  };
}

/** The resized axes, with the ratio that the runtime computes coordinates from. */
function resizedAxes(c: RuleContext): Map<number, ResizedAxis> {
  const rank = c.x().dims.length;
  const isOld = c.opset < 11;
  const axes = (c.ints("axes") ?? c.x().dims.map((_, i) => i)).map((axis) =>
    normalizeAxis(axis, rank),
  );
  const argument = (i: number): readonly number[] => {
    const numbers = c.constant(i);
    if (numbers === undefined && c.hasInput(i)) {
      throw new RuleRefusal("roi, scales or sizes are computed; they have to be constants");
    }
    return numbers ?? [];
  };
  const scales = argument(isOld ? 1 : 2);
  const sizes = isOld ? [] : argument(3);
  const roi = isOld ? [] : argument(1);
  const sizeOf = (axis: number) => c.x().dims[axis] as number;
  const ratios = axes.map((axis, i) =>
    sizes.length > 0 ? (sizes[i] as number) / sizeOf(axis) : (scales[i] as number),
  );
  const policy = c.string("keep_aspect_ratio_policy", "stretch");
  const isKept = sizes.length > 0 && policy !== "stretch";
  const kept = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return new Map(
    axes.map((axis, i) => [
      axis,
      {
        size: sizeOf(axis),
        out: c.y().dims[axis] as number,
        scale: isKept ? kept : (ratios[i] as number),
        start: roi[i] ?? 0,
        end: roi[i + axes.length] ?? 1,
      },
    ]),
  );
}
