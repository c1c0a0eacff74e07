import { GraphBuilder, writeModel, type Runtime } from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "../errors.ts";
import { countOf } from "../image.ts";
import { openSession } from "../open-session.ts";
import { appendModel } from "./append-model.ts";
import type { ImageInput } from "./input/image-input.ts";
import { axisOf } from "./layout.ts";
import type { ModelOptions } from "./model-options.ts";
import type { UnderstoodModel } from "./understand-model.ts";

/** Largest root mean square of differences, as a share of that of the scores, that counts as rounding. */
const largestDifference = 1e-2;

/**
 * Checks that a model's image input takes `images` at once.
 *
 * @throws AsmaError `ERR_BATCH` for what is no number of images, and for several where the batch of the
 *   model is fixed, or it has none
 */
export function checkBatch(images: number, input: ImageInput): void {
  if (!Number.isSafeInteger(images) || images < 1) {
    throw refusal("ERR_BATCH", {
      expected: "a whole number from 1 on for the images of a batch",
      found: `found ${images}`,
    });
  }
  if (images > 1 && input.batch !== undefined) {
    const { name, layout, batch } = input;
    const found =
      axisOf(layout, "N") === undefined
        ? `'${name}' (${layout}) has no axis for it`
        : `the batch of '${name}' is fixed to ${batch}`;
    throw batchError(images, found);
  }
}

/** The error for a model that takes one image at a time only. */
export function batchError(images: number, found: string, cause?: unknown): AsmaError {
  return refusal("ERR_BATCH", {
    expected: `a model whose batch is free, for ${images} images at once`,
    found,
    wayOut: "export it with a dynamic batch, or attack one image at a time",
    cause,
    details: { batch: images },
  });
}

/**
 * Checks that a model means the same for a batch as for one image, and that the images of a batch do not
 * bear on each other: exporters write numbers of the batch into a graph, and runtimes believe them.
 *
 * @throws AsmaError `ERR_BATCH`
 */
export async function checkSamples(
  runtime: Runtime,
  several: UnderstoodModel,
  single: UnderstoodModel,
  sessionOptions: ModelOptions["sessionOptions"],
): Promise<void> {
  const { batch } = several.description.preprocessing;
  const { scores: name, output } = single.description.head;
  if (meaningOf(several) !== meaningOf(single)) {
    throw batchError(batch, `then its output '${output}' is no image of the same classes`);
  }
  const { preprocessing, channels } = single.description;
  const count = countOf([channels, ...preprocessing.imageSize]);
  const image = Float32Array.from({ length: count }, (_, i) => ((i + 1) * 0.6180339887498949) % 1);
  // All others are black, so that statistics over the batch would show.
  const images = new Float32Array(batch * count);
  images.set(image, (batch - 1) * count);
  let inBatch: Float32Array;
  try {
    inBatch = await scoresOf(runtime, several, images, sessionOptions);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw batchError(batch, `it does not run with so many (${reason})`, cause);
  }
  const alone = await scoresOf(runtime, single, image, sessionOptions);
  const last = inBatch.subarray(inBatch.length - alone.length);
  const largest = rootMeanSquare(alone);
  const apart = rootMeanSquare(alone.map((v, i) => v - (last[i] as number)));
  if (inBatch.length !== batch * alone.length || apart > largestDifference * largest) {
    throw batchError(
      batch,
      `the scores '${name}' of an image change with the others in its batch (by ${apart.toPrecision(3)} where scores are about ${largest.toPrecision(3)})`,
    );
  }
}

/** All about the output but the axes of one entry that only one image has. */
function meaningOf({ description: { head } }: UnderstoodModel): string {
  return JSON.stringify(head, (key, value: unknown) =>
    key === "layout" ? String(value).endsWith("C") : value,
  );
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
}

async function scoresOf(
  runtime: Runtime,
  { resolved, description }: UnderstoodModel,
  images: Float32Array,
  sessionOptions: ModelOptions["sessionOptions"],
): Promise<Float32Array> {
  const { channels, preprocessing } = description;
  const one = [channels, ...preprocessing.imageSize];
  const b = new GraphBuilder(resolved);
  b.graph.output = [];
  const dims = [images.length / countOf(one), ...one];
  const image = b.input("batch/image", { dtype: "float32", dims });
  const scores = b.output(appendModel(b, image, { description }).scores, "batch/scores").name;
  const written = writeModel(b.build().model, "reference");
  const session = await openSession(runtime, written, sessionOptions, "the model");
  try {
    const feeds = { [image.name]: new runtime.Tensor("float32", images, dims) };
    return (await session.run(feeds))[scores]?.data as Float32Array;
  } finally {
    await session.release();
  }
}
