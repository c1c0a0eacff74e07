import { abs } from "./abs.ts";
import { add } from "./add.ts";
import { averagePool } from "./average-pool.ts";
import { batchNormalization } from "./batch-normalization.ts";
import { cast, castLike } from "./cast.ts";
import { centerCropPad } from "./center-crop-pad.ts";
import { clip } from "./clip.ts";
import { col2Im } from "./col-2-im.ts";
import { concat } from "./concat.ts";
import { conv } from "./conv.ts";
import { convTranspose } from "./conv-transpose.ts";
import { cumSum } from "./cum-sum.ts";
import { det } from "./det.ts";
import { dft } from "./dft.ts";
import { deformConv } from "./deform-conv.ts";
import { dequantizeLinear } from "./dequantize-linear.ts";
import { div } from "./div.ts";
import { dropout } from "./dropout.ts";
import { einsum } from "./einsum.ts";
import { celu, elu, selu } from "./elu.ts";
import { erf } from "./erf.ts";
import { exp, log, reciprocal, sqrt } from "./exponential.ts";
import { max, min } from "./extremum.ts";
import { gather } from "./gather.ts";
import { gatherElements } from "./gather-elements.ts";
import { gatherND } from "./gather-nd.ts";
import { gelu } from "./gelu.ts";
import { gemm } from "./gemm.ts";
import { globalAveragePool, globalMaxPool } from "./global-pool.ts";
import { gridSample } from "./grid-sample.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { hardSigmoid } from "./hard-sigmoid.ts";
import { hardSwish } from "./hard-swish.ts";
import { acosh, asinh, atanh, cosh, sinh } from "./hyperbolic.ts";
import { instanceNormalization } from "./instance-normalization.ts";
import { layerNormalization } from "./layer-normalization.ts";
import { leakyRelu } from "./leaky-relu.ts";
import { lpNormalization } from "./lp-normalization.ts";
import { globalLpPool, lpPool } from "./lp-pool.ts";
import { lrn } from "./lrn.ts";
import { matMul } from "./mat-mul.ts";
import { maxPool } from "./max-pool.ts";
import { maxUnpool } from "./max-unpool.ts";
import { mish } from "./mish.ts";
import { mod } from "./mod.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { oneHot } from "./one-hot.ts";
import { pRelu } from "./p-relu.ts";
import { pad } from "./pad.ts";
import { pow } from "./pow.ts";
import { quantizeLinear } from "./quantize-linear.ts";
import { reduceMax, reduceMin } from "./reduce-extremum.ts";
import { reduceL1, reduceL2, reduceSumSquare } from "./reduce-norm.ts";
import { reduceProd } from "./reduce-prod.ts";
import { reduceLogSum, reduceLogSumExp, reduceMean, reduceSum } from "./reduce-sum.ts";
import { relu } from "./relu.ts";
import { expand, tile } from "./repeating.ts";
import { flatten, identity, optionalGetElement, reshape, squeeze, unsqueeze } from "./reshaping.ts";
import { resize } from "./resize.ts";
import { reverseSequence } from "./reverse-sequence.ts";
import { scatterElements, scatterND } from "./scatter.ts";
import { roiAlign } from "./roi-align.ts";
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
import { topK } from "./top-k.ts";
import { transpose } from "./transpose.ts";
import { acos, asin, atan, cos, sin, tan } from "./trigonometric.ts";
import { trilu } from "./trilu.ts";
import { where } from "./where.ts";

/** Every operator with a gradient rule. The one list. */
export const gradientRules: readonly GradientRule[] = [
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  averagePool,
  batchNormalization,
  cast,
  castLike,
  celu,
  centerCropPad,
  clip,
  col2Im,
  concat,
  conv,
  convTranspose,
  cos,
  cosh,
  cumSum,
  deformConv,
  depthToSpace,
  det,
  dft,
  dequantizeLinear,
  div,
  dropout,
  einsum,
  elu,
  erf,
  exp,
  expand,
  flatten,
  gather,
  gatherElements,
  gatherND,
  gelu,
  gemm,
  globalAveragePool,
  globalLpPool,
  globalMaxPool,
  gridSample,
  hardSigmoid,
  hardSwish,
  identity,
  instanceNormalization,
  layerNormalization,
  leakyRelu,
  log,
  logSoftmax,
  lpNormalization,
  lpPool,
  lrn,
  matMul,
  max,
  maxPool,
  maxUnpool,
  mean,
  min,
  mish,
  mod,
  mul,
  neg,
  oneHot,
  optionalGetElement,
  pad,
  pow,
  pRelu,
  quantizeLinear,
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
  reverseSequence,
  scatterElements,
  scatterND,
  roiAlign,
  selu,
  sigmoid,
  sin,
  sinh,
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
  tan,
  tanh,
  thresholdedRelu,
  tile,
  topK,
  transpose,
  trilu,
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
  "Bernoulli",
  "BitShift",
  "BitwiseAnd",
  "BitwiseNot",
  "BitwiseOr",
  "BitwiseXor",
  "BlackmanWindow",
  "Ceil",
  "Constant",
  "ConstantOfShape",
  "Equal",
  "EyeLike",
  "Floor",
  "Greater",
  "GreaterOrEqual",
  "HammingWindow",
  "HannWindow",
  "Hardmax",
  "IsInf",
  "IsNaN",
  "Less",
  "LessOrEqual",
  "MelWeightMatrix",
  "Multinomial",
  "NonMaxSuppression",
  "NonZero",
  "Not",
  "OptionalHasElement",
  "Or",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Round",
  "SequenceEmpty",
  "SequenceLength",
  "Shape",
  "Sign",
  "Size",
  "Xor",
]);

/** Why kernels on integers are refused, and the way out. */
export const integerArithmetic =
  "integer arithmetic has no gradient; use the float model it was quantized from, or quantize that one statically with QuantizeLinear and DequantizeLinear (QDQ format)";

const loops = "loops are not differentiated; export the model with the loop unrolled";
const sequences = "sequences are not differentiated; export the model with plain tensors";
const strings = "text has no gradient";

/** Operators that are refused, with the reason. */
export const notDifferentiable: ReadonlyMap<string, string> = new Map([
  ["BitCast", "the bits of a number have no gradient"],
  ["Compress", "its condition is computed, and the dims of its output depend on it"],
  ["ConcatFromSequence", sequences],
  ["ConvInteger", integerArithmetic],
  ["DynamicQuantizeLinear", integerArithmetic],
  [
    "If",
    "its condition is computed, and branches are not differentiated; export the model for one case",
  ],
  ["ImageDecoder", "decoding of files has no gradient"],
  ["Loop", loops],
  ["MatMulInteger", integerArithmetic],
  ["MaxRoiPool", "maxima over regions have no rule; export the model with RoiAlign of mode avg"],
  ["Optional", sequences],
  ["QLinearConv", integerArithmetic],
  ["QLinearMatMul", integerArithmetic],
  ["Range", "its length depends on computed values; make start, limit and delta constants"],
  ["RegexFullMatch", strings],
  ["Scan", loops],
  ["SequenceAt", sequences],
  ["SequenceConstruct", sequences],
  ["SequenceErase", sequences],
  ["SequenceInsert", sequences],
  ["SequenceMap", sequences],
  ["SplitToSequence", sequences],
  ["StringConcat", strings],
  ["StringNormalizer", strings],
  ["StringSplit", strings],
  ["TfIdfVectorizer", strings],
  ["Unique", "the dims of its outputs depend on the values"],
]);
