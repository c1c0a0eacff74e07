/**
 * Training graphs that another tool made, in the operators of ONNX Runtime's training builds or in
 * standard ones: read, lowered to standard operators, and checked.
 *
 * @module
 */
export { checkTrainingGraph, type CheckTrainingGraphOptions } from "./check-training-graph.ts";
export {
  importTrainingGraph,
  type ImportTrainingGraphOptions,
  type TrainingGraph,
} from "./import-training-graph.ts";
export { trainingOperators } from "./operators/index.ts";
