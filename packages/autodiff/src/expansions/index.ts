import { affineGrid } from "./affine-grid.ts";
import { attention } from "./attention.ts";
import { negativeLogLikelihoodLoss, softmaxCrossEntropyLoss } from "./class-loss.ts";
import { cumProd } from "./cum-prod.ts";
import type { Expansion } from "./expansion.ts";
import { groupNormalization } from "./group-normalization.ts";
import { meanVarianceNormalization } from "./mean-variance-normalization.ts";
import { microsoftAttention, microsoftMultiHeadAttention } from "./microsoft/attention.ts";
import { microsoftFused } from "./microsoft/fused.ts";
import { microsoftGelus } from "./microsoft/gelus.ts";
import { microsoftSkipLayerNormalizations } from "./microsoft/skip-layer-normalization.ts";
import { gru, lstm, rnn } from "./recurrent.ts";
import { rmsNormalization, simplifiedLayerNormalization } from "./rms-normalization.ts";
import { microsoftRotaryEmbedding, rotaryEmbedding } from "./rotary-embedding.ts";
import { shrink } from "./shrink.ts";
import { stft } from "./stft.ts";
import { swiGlu, swish } from "./swish.ts";
import { tensorScatter } from "./tensor-scatter.ts";

/**
 * Operators without a gradient rule that are differentiated through their function body. The one
 * list.
 */
export const expansions: readonly Expansion[] = [
  affineGrid,
  attention,
  cumProd,
  groupNormalization,
  gru,
  lstm,
  meanVarianceNormalization,
  microsoftAttention,
  ...microsoftFused,
  ...microsoftGelus,
  microsoftMultiHeadAttention,
  microsoftRotaryEmbedding,
  ...microsoftSkipLayerNormalizations,
  negativeLogLikelihoodLoss,
  rmsNormalization,
  rnn,
  rotaryEmbedding,
  shrink,
  simplifiedLayerNormalization,
  softmaxCrossEntropyLoss,
  stft,
  swiGlu,
  swish,
  tensorScatter,
];
