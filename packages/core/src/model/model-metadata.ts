import type { Model } from "@onnx-asma/autodiff";
import * as v from "valibot";
import { refusal } from "../errors.ts";

const positive = v.pipe(v.number(), v.finite(), v.minValue(Number.MIN_VALUE));
const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1 << 16));

/** How many pixels are added on every side of the image, and with which values. */
export const paddingSchema = v.object({
  pixels: v.union([size, v.tuple([size, size, size, size])]),
  mode: v.optional(v.picklist(["edge", "reflect", "constant"]), "constant"),
});

const metadataSchema = v.object({
  description: v.optional(v.string()),
  classes: v.optional(v.array(v.string())),
  range: v.optional(v.tuple([v.number(), v.number()])),
  mean: v.optional(v.array(v.number())),
  std: v.optional(v.array(positive)),
  padding: v.optional(paddingSchema),
});

/** What a model says about itself in its `metadata_props` under {@link metadataKey}. */
export type ModelMetadata = v.InferOutput<typeof metadataSchema>;

/** The key in `metadata_props` that holds a JSON object of {@link ModelMetadata}. */
export const metadataKey = "onnx-asma";

/**
 * Reads the model's own description of its images and classes; empty when it has none.
 *
 * @throws AsmaError `ERR_MODEL_METADATA` when the entry is not what it should be
 */
export function readModelMetadata(model: Model): ModelMetadata {
  const text = model.metadata.get(metadataKey);
  if (text === undefined) {
    return {};
  }
  try {
    return v.parse(metadataSchema, JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refusal("ERR_MODEL_METADATA", {
      expected: `the model's metadata entry '${metadataKey}' to be a JSON object with classes, range, mean, std, padding`,
      found: reason,
      cause,
    });
  }
}
