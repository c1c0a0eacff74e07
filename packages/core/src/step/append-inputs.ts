import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Recipe, StateSpec } from "../attack/recipe.ts";
import type { SegmentationModel } from "../model/segmentation-model.ts";

/** Numbers that every step is told, before those of the recipe. */
export const commonNumbers = [
  "isFirst",
  "margin",
  "absentBefore",
  "iouThreshold",
  "pixelAccuracyThreshold",
  "isRejected",
] as const;

/** {@link commonNumbers} of a first step that nobody judges. */
export const firstNumbers: Readonly<Record<(typeof commonNumbers)[number], number>> = {
  isFirst: 1,
  margin: 0,
  absentBefore: 0,
  iouThreshold: 1,
  pixelAccuracyThreshold: 0,
  isRejected: 0,
};

/**
 * Adds the inputs of a step graph, or without a recipe of a measuring graph. A model's own values may have
 * their names already: the values say what they became.
 */
export function appendInputs(
  b: GraphBuilder,
  model: SegmentationModel,
  recipe: Recipe | undefined,
  { hasRegion = false }: { readonly hasRegion?: boolean } = {},
) {
  const { batchDims } = model;
  const [images] = batchDims;
  const { head, preprocessing } = model.description;
  const input = (name: string, dims: readonly number[]) =>
    b.input(`attack/${name}`, { dtype: "float32", dims });
  const one = [images, ...batchDims.slice(1).map(() => 1)];
  const dimsLike = { image: batchDims, grid: [images, 1, ...head.size], number: one };
  const names: readonly string[] =
    recipe === undefined ? ["absentBefore"] : [...commonNumbers, ...recipe.numbers];
  const x = input("image", batchDims);
  const x0 = input("original", batchDims);
  const labels = input("labels", dimsLike.grid);
  const packed = input("numbers", [names.length, ...one]);
  const region = hasRegion ? input("region", [images, 1, ...preprocessing.imageSize]) : undefined;
  const state = mapValues<StateSpec, Value>(recipe?.state ?? {}, ({ like }, name) =>
    input(`state/${name}`, dimsLike[like]),
  );
  const parts =
    names.length === 1
      ? [packed]
      : b.split(
          packed,
          0,
          names.map(() => 1),
        );
  const numbers = Object.fromEntries(
    names.map((name, i) => [name, b.reshape(parts[i] as Value, one)]),
  );
  return { x, x0, labels, region, packed, numbers, state };
}

/** A record of the same keys. */
export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  map: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
