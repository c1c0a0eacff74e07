import type { DataType, TensorType } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";

/** What passes are told beside the model, and what they tell of it. */
export interface PassContext {
  /** dtype and dims of the values, as far as a runtime has told them. */
  types: ReadonlyMap<string, TensorType>;
  /** Float types that are to become float32. */
  floatTypes: ReadonlySet<DataType>;
  /** Those of them that the model had. */
  readonly foundFloats: Set<DataType>;
  /** Integer graph inputs that are to become float32. */
  readonly integerInputs: ReadonlySet<string>;
}

/**
 * One transformation of a model, in place.
 *
 * @returns whether the model changed
 */
export type Pass = (model: Model, context: PassContext) => boolean;
