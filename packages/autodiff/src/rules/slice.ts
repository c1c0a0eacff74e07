import { sliceRange } from "../graph/infer-type.ts";
import { normalizeAxis } from "../graph/value.ts";
import { RuleRefusal, type GradientRule, type RuleContext } from "./gradient-rule.ts";

/**
 * Slice (opset 10): dx = dy where it was taken from, zeros elsewhere. Axes of
 * negative step are turned round, steps filled with zeros, and the rest padded.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Slice.html
 */
export const slice: GradientRule = {
  opType: "Slice",
  build: (c) => {
    const ranges = rangesOf(c);
    return [
      () => {
        const { dims } = c.x();
        const counts = c.y().dims;
        if (counts.includes(0)) {
          return c.b.fill(0, c.x());
        }
        const turned = dims.flatMap((_, i) => ((ranges[i]?.step ?? 1) < 0 ? [i] : []));
        let dx = c.b.reverse(c.dy(), turned);
        const steps = dims.map((_, i) => (counts[i] === 1 ? 1 : Math.abs(ranges[i]?.step ?? 1)));
        if (steps.some((step) => step > 1)) {
          // One more axis behind each, [n, 1] padded to [n, step], holds the zeros.
          dx = c.b.reshape(
            dx,
            counts.flatMap((n, i) => (steps[i] === 1 ? [n] : [n, 1])),
          );
          const ends = steps.flatMap((step) => (step === 1 ? [0] : [0, step - 1]));
          dx = c.b.pad(dx, [...ends.map(() => 0), ...ends]);
          dx = c.b.reshape(
            dx,
            counts.map((n, i) => n * (steps[i] as number)),
          );
        }
        const begins = dims.map((_, i) => {
          const { start, step } = ranges[i] ?? { start: 0, step: 1 };
          return step > 0 ? start : start + ((counts[i] as number) - 1) * step;
        });
        const ends = dims.map((d, i) => d - (begins[i] as number) - (dx.dims[i] as number));
        return c.b.pad(dx, [...begins, ...ends]);
      },
    ];
  },
};

/** Start and step by axis, clamped; nothing for axes that are left whole. */
function rangesOf(c: RuleContext): (ReturnType<typeof sliceRange> | undefined)[] {
  const { dims } = c.x();
  const [starts, ends] = [c.constant(1), c.constant(2)];
  const axes = c.hasInput(3) ? c.constant(3) : starts?.map((_, i) => i);
  const steps = c.hasInput(4) ? c.constant(4) : starts?.map(() => 1);
  if (starts === undefined || ends === undefined || axes === undefined || steps === undefined) {
    throw new RuleRefusal("starts, ends, axes or steps are computed; they have to be constants");
  }
  const ranges: (ReturnType<typeof sliceRange> | undefined)[] = dims.map(() => undefined);
  axes.forEach((axis, k) => {
    const at = normalizeAxis(axis, dims.length);
    const [start, end, step] = [starts[k], ends[k], steps[k]] as [number, number, number];
    ranges[at] = sliceRange(dims[at] as number, start, end, step);
  });
  return ranges;
}
