import type { GraphBuilder } from "../graph/graph-builder.ts";
import { normalizeAxis, type Value } from "../graph/value.ts";
import { multiplyAxis, transposed, type Matrix } from "./axis-matrix.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import {
  interpolationMatrix,
  type Interpolation,
  type ResizedAxis,
} from "./interpolation-matrix.ts";

/**
 * Resize (opset 11; nearest, linear, cubic, every coordinate and rounding mode, antialias) is linear:
 * y = W x along each axis, so dx = Wᵀ dy with constant matrices. Whole repetitions (nearest, integer
 * scale) are summed instead.
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
  if (c.y().dims.includes(0)) {
    return b.fill(0, c.x());
  }
  const matrices = new Map<number, number[][]>();
  for (const [axis, resized] of axes) {
    // The runtime leaves an axis of scale 1 alone, whatever the coordinates say.
    if (resized.scale !== 1 || resized.size !== resized.out) {
      matrices.set(axis, interpolationMatrix(resized, how));
    }
  }
  const repeats = c.x().dims.map((_, axis) => repetition(matrices.get(axis)));
  if (repeats.every((times) => times !== undefined)) {
    return sumRepeats(b, c.dy(), repeats);
  }
  return [...matrices].reduce(
    (dy, [axis, matrix]) => multiplyAxis(b, dy, axis, transposed(matrix)),
    c.dy(),
  );
}

/** Sums the copies that stand side by side along every axis. */
function sumRepeats(b: GraphBuilder, dy: Value, repeats: readonly number[]): Value {
  const kernel = repeats.slice(2);
  // ONNX Runtime moves a Pad into a pool that follows, and then refuses pads as wide as the kernel.
  const isPadded = b.producer(dy)?.opType === "Pad";
  const isPool = repeats.length > 2 && repeats[0] === 1 && repeats[1] === 1 && !isPadded;
  // Execution providers other than the CPU pool two spatial axes at most.
  if (isPool && (kernel.length === 2 || b.target === "cpu")) {
    const mean = b.op("AveragePool", [dy], { kernel_shape: kernel, strides: kernel });
    return b.op("Mul", [
      mean,
      b.scalar(
        kernel.reduce((n, k) => n * k, 1),
        mean.dtype,
      ),
    ]);
  }
  const dims = dy.dims.map((d, i) => d / (repeats[i] as number));
  const apart: number[] = [];
  const axes = repeats.flatMap((times, i) => {
    apart.push(dims[i] as number);
    return times === 1 ? [] : [apart.push(times) - 1];
  });
  return b.reshape(b.reduce("ReduceSum", b.reshape(dy, apart), axes), dims);
}

/** How often each input is repeated when the matrix does nothing else; 1 for an axis left alone. */
function repetition(matrix: Matrix | undefined): number | undefined {
  if (matrix === undefined) {
    return 1;
  }
  const times = matrix.length / (matrix[0]?.length ?? 1);
  const isWhole = matrix.every((row, i) => row[Math.floor(i / times)] === 1);
  return Number.isInteger(times) && isWhole ? times : undefined;
}

function interpolationOf(c: RuleContext): Interpolation {
  const mode = c.string("mode", "nearest");
  if (mode !== "nearest" && mode !== "linear" && mode !== "cubic") {
    throw new RuleRefusal(`mode '${mode}' is not one of nearest, linear, cubic`);
  }
  return {
    mode,
    coordinates: c.string("coordinate_transformation_mode", "half_pixel"),
    nearestMode: c.string("nearest_mode", "round_prefer_floor"),
    cubicCoefficient: c.float("cubic_coeff_a", -0.75),
    excludesOutside: c.int("exclude_outside", 0) === 1,
    antialias: c.int("antialias", 0) === 1,
  };
}

/** The resized axes, with the ratio that the runtime computes coordinates from. */
function resizedAxes(c: RuleContext): Map<number, ResizedAxis> {
  const rank = c.x().dims.length;
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
  const scales = argument(2);
  const sizes = argument(3);
  const roi = argument(1);
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
