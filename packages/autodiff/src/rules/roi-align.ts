import type { Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";
import {
  clamped,
  linearNeighbours,
  scatterSamples,
  type Neighbour,
} from "./interpolated-samples.ts";

/**
 * RoiAlign (opset 16; mode avg, sampling_ratio of 1 or more): every cell of a region is the mean of
 * sampling_ratio² linearly interpolated samples, so dX adds dy/sampling_ratio², weighted, to the four
 * neighbours of each. Samples further than a pixel beyond the image are zero. The regions get no
 * gradient, as in torchvision.
 *
 * @see https://onnx.ai/onnx/operators/onnx__RoiAlign.html
 */
export const roiAlign: GradientRule = {
  opType: "RoiAlign",
  build: (c) => {
    const mode = c.string("mode", "avg");
    if (mode !== "avg") {
      throw new RuleRefusal(`mode '${mode}' has no rule; export the model with mode avg`);
    }
    if (c.int("sampling_ratio", 0) < 1) {
      throw new RuleRefusal(
        "sampling_ratio 0 takes as many samples as the size of each region says; export the model with a sampling_ratio of 2",
      );
    }
    return [() => imageGradient(c)];
  },
};

function imageGradient(c: RuleContext): Value {
  const { b } = c;
  const { div } = arithmetic(b);
  const [batch, channels, height, width] = c.x().dims as [number, number, number, number];
  const [regions, , rows, columns] = c.y().dims as [number, number, number, number];
  const samples = c.int("sampling_ratio", 0);
  // Samples lie in the order region, row of cells, row in the cell, column of cells, column in the cell.
  const grid = [regions, rows, samples, columns, samples];
  const count = grid.reduce((n, d) => n * d, 1);
  const flat = (value: Value) => b.reshape(b.expand(value, grid), [1, 1, count]);
  const index = flat(b.reshape(b.cast(c.x(2), c.x(1).dtype), [regions, 1, 1, 1, 1]));
  const one = b.fill(1, index);
  const image = { size: batch, neighbours: [{ place: index, weight: one, slope: one }] };
  const vertical = b.reshape(positions(c, 1, rows), [regions, rows, samples, 1, 1]);
  const horizontal = b.reshape(positions(c, 0, columns), [regions, 1, 1, columns, samples]);
  const axes = [
    image,
    { size: height, neighbours: neighbours(c, flat(vertical), height) },
    { size: width, neighbours: neighbours(c, flat(horizontal), width) },
  ];
  const shares = b.transpose(div(c.dy(), samples * samples), [1, 0, 2, 3]);
  const perSample = b.expand(b.reshape(shares, [channels, regions, rows, 1, columns, 1]), [
    channels,
    ...grid,
  ]);
  const g = b.reshape(perSample, [1, channels, count]);
  const dx = b.reshape(scatterSamples(b, axes, g), [channels, batch, height, width]);
  return b.transpose(dx, [1, 0, 2, 3]);
}

/** Where the samples of every region lie along one axis, in pixels: [regions, cells, samples]. */
function positions(c: RuleContext, axis: 0 | 1, cells: number): Value {
  const { b } = c;
  const { add, div, greater, mul, sub, where } = arithmetic(b);
  const samples = c.int("sampling_ratio", 0);
  const isHalfPixel = c.string("coordinate_transformation_mode", "half_pixel") === "half_pixel";
  const rois = c.x(1);
  // x₁, y₁, x₂, y₂ of every region.
  const edge = (at: number) => {
    const scaled = mul(b.slice(rois, [1], [at], [at + 1]), c.float("spatial_scale", 1));
    return isHalfPixel ? sub(scaled, 0.5) : scaled;
  };
  const start = edge(axis);
  const length = sub(edge(axis + 2), start);
  const size = isHalfPixel ? length : where(greater(length, 1), length, 1);
  const centres = Array.from({ length: cells * samples }, (_, i) => (i + 0.5) / samples);
  const places = b.constant(rois.dtype, [1, cells * samples], centres, "sample_centres");
  return add(start, mul(div(size, cells), places));
}

/** The neighbours of positions moved to the image; without weight for those over a pixel beyond it. */
function neighbours(c: RuleContext, position: Value, size: number): Neighbour[] {
  const { greater, less, where } = arithmetic(c.b);
  const isBeyond = c.b.op("Or", [less(position, -1), greater(position, size)]);
  return linearNeighbours(c.b, clamped(c.b, position, size), size).map((neighbour) => ({
    ...neighbour,
    weight: where(isBeyond, 0, neighbour.weight),
  }));
}
