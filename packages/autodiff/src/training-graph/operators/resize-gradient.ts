import type { TrainingOperator } from "./training-operator.ts";

/**
 * ResizeGrad(dY, X, roi, scales): with `sizes` in the forward node, roi and scales are missing, and the
 * dims of dY say the same.
 */
export const resizeGrad: TrainingOperator = {
  opType: "ResizeGrad",
  domain: "com.microsoft",
  upstream: 0,
  like: (node) => [{ value: node.input[1] as string }],
  lower: (c) => {
    const [x, dy] = [c.input(1), c.input(0)];
    const [roi, scales] = [2, 3].map((i) => (c.hasInput(i) ? c.input(i) : undefined));
    const isBySizes = scales === undefined || c.constant(3)?.length === 0;
    return c.gradients("Resize", {
      x: isBySizes ? [x, roi, undefined, c.b.ints(dy.dims)] : [x, roi, scales],
      y: dy,
      dy,
    });
  },
};
