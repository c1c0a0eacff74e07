import { add } from "./add.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { mul } from "./mul.ts";
import { relu } from "./relu.ts";

/** Every operator with a gradient rule. The one list. */
export const gradientRules: readonly GradientRule[] = [add, mul, relu];

/**
 * Operators whose gradient is zero almost everywhere, or whose inputs carry no gradient. The path
 * from input to output may not end here alone, but it may pass them by.
 */
export const zeroGradients: ReadonlySet<string> = new Set([
  "And",
  "ArgMax",
  "ArgMin",
  "BitShift",
  "Ceil",
  "ConstantOfShape",
  "Equal",
  "EyeLike",
  "Floor",
  "Greater",
  "GreaterOrEqual",
  "IsInf",
  "IsNaN",
  "Less",
  "LessOrEqual",
  "NonZero",
  "Not",
  "OneHot",
  "Or",
  "Round",
  "Shape",
  "Sign",
  "Size",
  "Xor",
]);

/** Operators that are refused, with the reason. */
export const notDifferentiable: ReadonlyMap<string, string> = new Map([
  ["Loop", "loops are not differentiated; export the model with the loop unrolled"],
  ["Scan", "loops are not differentiated; export the model with the loop unrolled"],
  ["LSTM", "recurrent operators are not differentiated"],
  ["GRU", "recurrent operators are not differentiated"],
  ["RNN", "recurrent operators are not differentiated"],
  ["ConvInteger", "integer arithmetic has no gradient; use the float model it was quantized from"],
  ["MatMulInteger", "integer arithmetic has no gradient; use the float model it was quantized from"],
  ["QLinearConv", "integer arithmetic has no gradient; use the float model it was quantized from"],
  ["QLinearMatMul", "integer arithmetic has no gradient; use the float model it was quantized from"],
  ["DynamicQuantizeLinear", "integer arithmetic has no gradient; use the float model it was quantized from"],
]);
