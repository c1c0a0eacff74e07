/**
 * Reverse-mode differentiation of ONNX models: a graph in, a graph of standard operators out.
 *
 * @module @onnx-asma/autodiff
 */
export { checkGradient, type CheckGradientOptions } from "./check/check-gradient.ts";
export { mulberry32 } from "./check/mulberry32.ts";
export { differentiate, type DifferentiateOptions } from "./reverse-mode/differentiate.ts";
export type { GradientFigure, TensorData } from "./check/finite-differences.ts";
export {
  AutodiffError,
  autodiffErrorCodes,
  UnsupportedOperatorError,
  type AutodiffErrorCode,
  type UnsupportedNode,
} from "./errors.ts";
export { GraphBuilder } from "./graph/graph-builder.ts";
export { neededInputs } from "./graph/needed-inputs.ts";
export type { Target } from "./graph/target.ts";
export { ResolvedModel, type Adaptations } from "./graph/resolved-model.ts";
export type { AttributeValue, Attributes } from "./graph/attribute.ts";
export type { Value } from "./graph/value.ts";
export { isFloat, type DataType, type TensorType } from "./model/data-type.ts";
export { Model, type FileOnDemand, type WeightFile } from "./model/model.ts";
export { readModel, type ReadModelOptions } from "./model/read-model.ts";
export { halfToNumber } from "./model/tensor.ts";
export { writeForOutput, writeModel, type WrittenModel } from "./model/write-model.ts";
export type {
  AttributeProto,
  Bytes,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  TypeProto,
  ValueInfoProto,
} from "./model/onnx-messages.ts";
export type { Feed } from "./resolve/feed-inputs.ts";
export { resolve, type ResolveOptions } from "./resolve/resolve.ts";
export { expansions } from "./expansions/index.ts";
export type { Expansion } from "./expansions/expansion.ts";
export type { NodeContext } from "./graph/node-context.ts";
export type { OperatorKey } from "./graph/operator-table.ts";
export { gradientRules, notDifferentiable, zeroGradients } from "./rules/index.ts";
export {
  RuleRefusal,
  type GradientRule,
  type InputGradient,
  type RuleContext,
} from "./rules/gradient-rule.ts";
export type { Runtime, Session, SessionOptions } from "./runtime.ts";
export {
  vectorJacobianProduct,
  type VectorJacobianProductOptions,
} from "./reverse-mode/vector-jacobian-product.ts";
export type { TrainingGraph } from "./training-graph/import-training-graph.ts";
