import type { NodeProto } from "../../model/onnx-messages.ts";
import { intAttribute } from "../../graph/attribute.ts";
import { normalizeAxis } from "../../graph/value.ts";
import { RuleRefusal, type InputGradient } from "../../rules/gradient-rule.ts";
import type { LoweringContext, TrainingOperator } from "./training-operator.ts";

/** Operators that are given the dims of x as a tensor instead of x. */
function fromShape(
  opType: string,
  [upstream, shape]: readonly [number, number],
  lower: (c: LoweringContext) => readonly InputGradient[],
): TrainingOperator {
  return {
    opType,
    domain: "com.microsoft",
    upstream,
    like: (node: NodeProto) => [{ shape: node.input[shape] as string }],
    lower,
  };
}

/** SliceGrad(dY, shape, starts, ends, axes, steps). */
export const sliceGrad = fromShape("SliceGrad", [0, 1], (c) =>
  c.gradients("Slice", {
    x: [c.typeOfOutput(0), ...[2, 3, 4, 5].map((i) => (c.hasInput(i) ? c.input(i) : undefined))],
    y: c.input(0),
    dy: c.input(0),
  }),
);

/** GatherGrad(shape, indices, dY). */
export const gatherGrad = fromShape("GatherGrad", [2, 0], (c) =>
  c.gradients("Gather", { x: [c.typeOfOutput(0), c.input(1)], y: c.input(2), dy: c.input(2) }),
);

/** GatherElementsGrad(dY, shape, indices), also of TopK: dy is added to where it was taken from. */
export const gatherElementsGrad = fromShape("GatherElementsGrad", [0, 1], (c) => {
  requireAdding(c);
  return [
    () =>
      c.b.op("ScatterElements", [c.b.fill(0, c.typeOfOutput(0)), c.input(2), c.input(0)], {
        axis: normalizeAxis(intAttribute(c.node, "axis", 0), c.input(0).dims.length),
        reduction: "add",
      }),
  ];
});

/** GatherNDGrad(shape, indices, dY), without batch dims. */
export const gatherNdGrad = fromShape("GatherNDGrad", [2, 0], (c) => {
  requireAdding(c);
  if (intAttribute(c.node, "batch_dims", 0) !== 0) {
    throw new RuleRefusal("it has batch_dims");
  }
  return [
    () =>
      c.b.op("ScatterND", [c.b.fill(0, c.typeOfOutput(0)), c.input(1), c.input(2)], {
        reduction: "add",
      }),
  ];
});

function requireAdding({ b }: LoweringContext): void {
  if (b.opset < 16) {
    throw new RuleRefusal("adding to places named by indices needs opset 16");
  }
}
