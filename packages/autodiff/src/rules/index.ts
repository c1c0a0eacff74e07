import { abs } from "./abs.ts";
import { add } from "./add.ts";
import { averagePool } from "./average-pool.ts";
import { batchNormalization } from "./batch-normalization.ts";
import { cast } from "./cast.ts";
import { clip } from "./clip.ts";
import { concat } from "./concat.ts";
import { convTranspose } from "./conv-transpose.ts";
import { conv } from "./conv.ts";
import { cumSum } from "./cum-sum.ts";
import { div } from "./div.ts";
import { celu, elu, selu } from "./elu.ts";
import { erf } from "./erf.ts";
import { exp, log, reciprocal, sqrt } from "./exponential.ts";
import { max, min } from "./extremum.ts";
import { gather } from "./gather.ts";
import { gelu } from "./gelu.ts";
import { gemm } from "./gemm.ts";
import { globalAveragePool, globalMaxPool } from "./global-pool.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { hardSigmoid } from "./hard-sigmoid.ts";
import { hardSwish } from "./hard-swish.ts";
import { instanceNormalization } from "./instance-normalization.ts";
import { layerNormalization } from "./layer-normalization.ts";
import { leakyRelu } from "./leaky-relu.ts";
import { matMul } from "./mat-mul.ts";
import { maxPool } from "./max-pool.ts";
import { mish } from "./mish.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { pRelu } from "./p-relu.ts";
import { pad } from "./pad.ts";
import { pow } from "./pow.ts";
import { reduceMax, reduceMin } from "./reduce-extremum.ts";
import { reduceL1, reduceL2, reduceSumSquare } from "./reduce-norm.ts";
import { reduceProd } from "./reduce-prod.ts";
import { reduceLogSum, reduceLogSumExp, reduceMean, reduceSum } from "./reduce-sum.ts";
import { relu } from "./relu.ts";
import { expand, tile } from "./repeating.ts";
import { dropout, flatten, identity, reshape, squeeze, unsqueeze } from "./reshaping.ts";
import { resize } from "./resize.ts";
import { sigmoid } from "./sigmoid.ts";
import { slice } from "./slice.ts";
import { logSoftmax, softmax } from "./softmax.ts";
import { softplus } from "./softplus.ts";
import { softsign } from "./softsign.ts";
import { depthToSpace, spaceToDepth } from "./space-to-depth.ts";
import { split } from "./split.ts";
import { sub } from "./sub.ts";
import { mean, sum } from "./sum.ts";
import { tanh } from "./tanh.ts";
import { thresholdedRelu } from "./thresholded-relu.ts";
import { transpose } from "./transpose.ts";
import { cos, sin } from "./trigonometric.ts";
import { where } from "./where.ts";

/** Every operator with a gradient rule. The one list. */
export const gradientRules: readonly GradientRule[] = [
  abs,
  add,
  averagePool,
  batchNormalization,
  cast,
  celu,
  clip,
  concat,
  conv,
  convTranspose,
  cos,
  cumSum,
  depthToSpace,
  div,
  dropout,
  elu,
  erf,
  exp,
  expand,
  flatten,
  gather,
  gelu,
  gemm,
  globalAveragePool,
  globalMaxPool,
  hardSigmoid,
  hardSwish,
  identity,
  instanceNormalization,
  layerNormalization,
  leakyRelu,
  log,
  logSoftmax,
  matMul,
  max,
  maxPool,
  mean,
  min,
  mish,
  mul,
  neg,
  pad,
  pow,
  pRelu,
  reciprocal,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
  relu,
  reshape,
  resize,
  selu,
  sigmoid,
  sin,
  slice,
  softmax,
  softplus,
  softsign,
  spaceToDepth,
  split,
  sqrt,
  squeeze,
  sub,
  sum,
  tanh,
  thresholdedRelu,
  tile,
  transpose,
  unsqueeze,
  where,
];

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
  [
    "If",
    "its condition is computed, and branches are not differentiated; export the model for one case",
  ],
  ["SequenceMap", "loops are not differentiated; export the model with the loop unrolled"],
  ["Loop", "loops are not differentiated; export the model with the loop unrolled"],
  ["Scan", "loops are not differentiated; export the model with the loop unrolled"],
  ["LSTM", "recurrent operators are not differentiated"],
  ["GRU", "recurrent operators are not differentiated"],
  ["RNN", "recurrent operators are not differentiated"],
  ["ConvInteger", "integer arithmetic has no gradient; use the float model it was quantized from"],
  [
    "MatMulInteger",
    "integer arithmetic has no gradient; use the float model it was quantized from",
  ],
  ["QLinearConv", "integer arithmetic has no gradient; use the float model it was quantized from"],
  [
    "QLinearMatMul",
    "integer arithmetic has no gradient; use the float model it was quantized from",
  ],
  [
    "DynamicQuantizeLinear",
    "integer arithmetic has no gradient; use the float model it was quantized from",
  ],
]);
