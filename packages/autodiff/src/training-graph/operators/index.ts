import type { TrainingOperator } from "./training-operator.ts";
import {
  biasFastGeluGrad,
  biasGeluGrad,
  fastGeluGrad,
  geluGrad,
  leakyReluGrad,
  quickGeluGrad,
  reluGrad,
  sigmoidGrad,
  tanhGrad,
} from "./activation-gradients.ts";
import { convGrad, convTransposeGrad } from "./convolution-gradients.ts";
import { divGrad } from "./div-gradient.ts";
import { gatherElementsGrad, gatherGrad, gatherNdGrad, sliceGrad } from "./indexing-gradients.ts";
import { dropoutGrad, fakeQuantGrad } from "./masking-gradients.ts";
import {
  invertibleLayerNormalizationGrad,
  layerNormalizationGrad,
  simplifiedLayerNormalizationGrad,
} from "./normalization-gradients.ts";
import { averagePoolGrad, maxPoolGrad } from "./pool-gradients.ts";
import { resizeGrad } from "./resize-gradient.ts";
import { batchScale, scale } from "./scale.ts";
import {
  logSoftmaxGrad,
  logSoftmaxGrad13,
  softmaxGrad,
  softmaxGrad13,
} from "./softmax-gradients.ts";

/** Every operator of ONNX Runtime's training builds that is lowered. The one list. */
export const trainingOperators: readonly TrainingOperator[] = [
  averagePoolGrad,
  batchScale,
  biasFastGeluGrad,
  biasGeluGrad,
  convGrad,
  convTransposeGrad,
  divGrad,
  dropoutGrad,
  fakeQuantGrad,
  fastGeluGrad,
  gatherElementsGrad,
  gatherGrad,
  gatherNdGrad,
  geluGrad,
  invertibleLayerNormalizationGrad,
  layerNormalizationGrad,
  leakyReluGrad,
  logSoftmaxGrad,
  logSoftmaxGrad13,
  maxPoolGrad,
  quickGeluGrad,
  reluGrad,
  resizeGrad,
  scale,
  sigmoidGrad,
  simplifiedLayerNormalizationGrad,
  sliceGrad,
  softmaxGrad,
  softmaxGrad13,
  tanhGrad,
];

/** Operators that are refused, with the reason. */
export const refusedTrainingOperators: ReadonlyMap<string, string> = new Map([
  [
    "BatchNormInternal",
    "it normalizes by the batch; build the graph from a model in inference mode",
  ],
  [
    "BatchNormalizationGrad",
    "it normalizes by the batch; build the graph from a model in inference mode",
  ],
  ["BroadcastGradientArgs", "it needs opset 13; export the model with opset 17"],
  ["YieldOp", "the file stops between forward and backward; name the upstream gradient"],
]);
