import { gradientOperator } from "./training-operator.ts";

/** ConvGrad(dY, X, W) and ConvTransposeGrad(dY, X, W): gradients of x and w. */
export const convGrad = gradientOperator({ opType: "ConvGrad", forward: "Conv", x: [1, 2] });
export const convTransposeGrad = gradientOperator({
  opType: "ConvTransposeGrad",
  forward: "ConvTranspose",
  x: [1, 2],
});
