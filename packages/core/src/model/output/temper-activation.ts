import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Saturating } from "./evidence.ts";

/**
 * Lead of a class, on average, after the temperature: of 0.3 to 1 that for which resized heads and ensembles need the
 * fewest steps.
 */
const temperedLead = 0.3;

/**
 * The gradient before a softmax or sigmoid, given that after it, at a temperature (Hinton, Vinyals, Dean, arXiv
 * 1503.02531) at which it is not flat: pixels and members of ensembles that are near another class weigh more, and
 * none weighs nothing. The temperature is the mean lead ÷ {@link temperedLead}, at least 1; a mean over space only.
 */
export function temperActivation(b: GraphBuilder, upstream: Value, activation: Saturating): Value {
  const { z, lead, classes } = centred(b, activation);
  const scalar = (n: number) => b.scalar(n, z.dtype);
  const rank = z.dims.length;
  const space = z.dims.map((_, i) => i).filter((i) => i > 0 && i >= rank - 3 && i !== classes);
  const mean = b.reduce("ReduceMean", lead, space);
  const temperature = b.op("Max", [b.op("Div", [mean, scalar(temperedLead)]), scalar(1)]);
  const cooled = b.op("Div", [z, temperature]);
  if (classes === undefined) {
    const p = b.op("Sigmoid", [cooled]);
    return b.op("Mul", [upstream, b.op("Mul", [p, b.op("Sub", [scalar(1), p])])]);
  }
  const p = b.op("Softmax", [cooled], { axis: classes });
  const weighted = b.op("Mul", [upstream, p]);
  return b.op("Sub", [weighted, b.op("Mul", [p, b.reduce("ReduceSum", weighted, [classes])])]);
}

/**
 * The mean lead before all that is flat, per image where axis 0 holds the images.
 *
 * @returns float32 [N or 1, 1]; `undefined` where nothing is flat
 */
export function meanLead(
  b: GraphBuilder,
  passed: readonly Saturating[],
  images: number,
): Value | undefined {
  const flat = (all: readonly Saturating[]): readonly Saturating[] =>
    all.flatMap((each) => [...(each.middle === undefined ? [] : [each]), ...flat(each.before)]);
  const means = flat(passed).map((activation) => {
    const { z, lead } = centred(b, activation);
    const axes = z.dims.map((_, i) => i).filter((i) => i > 0 || z.dims[0] !== images);
    const mean = b.cast(b.reduce("ReduceMean", lead, axes), "float32");
    return b.reshape(mean, [mean.dims[0] as number, 1]);
  });
  const [first, ...others] = means;
  const sum = others.reduce<Value | undefined>((a, m) => a && b.op("Add", [a, m]), first);
  return sum && b.op("Div", [sum, b.scalar(means.length)]);
}

/** What stands before an activation, its middle at 0, and by how much each class of it leads (see {@link leadOf}). */
function centred(b: GraphBuilder, { input, axis, middle = 0 }: Saturating) {
  const before = b.value(input);
  const z = middle === 0 ? before : b.op("Sub", [before, b.scalar(middle, before.dtype)]);
  const rank = z.dims.length;
  const classes = axis === undefined ? undefined : (axis + rank) % rank;
  return { z, classes, lead: leadOf(b, z, classes) };
}

/** By how much the largest number along an axis leads the second, 0 where all are equal; without an axis |z|. */
function leadOf(b: GraphBuilder, z: Value, axis: number | undefined): Value {
  if (axis === undefined) {
    return b.op("Abs", [z]);
  }
  const largest = b.reduce("ReduceMax", z, [axis]);
  const others = b.op("Where", [b.op("Equal", [z, largest]), b.reduce("ReduceMin", z, [axis]), z]);
  return b.op("Sub", [largest, b.reduce("ReduceMax", others, [axis])]);
}
