import type { Model, ResolvedModel, Runtime } from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "../errors.ts";
import type { Size } from "../image.ts";
import type { Decision } from "./decision.ts";
import { explainAdaptations, explainGrid, explainPreprocessing } from "./explain.ts";
import { chooseGrid } from "./grid/label-grid.ts";
import { fitToModel, ownImageSize } from "./input/fit-to-model.ts";
import { findImageInput } from "./input/image-input.ts";
import { isIntegerImage } from "./input/integer-image.ts";
import { inputSizeOf } from "./input/preprocessing.ts";
import { findScaleEvidence } from "./input/scale-evidence.ts";
import type { ModelDescription } from "./model-description.ts";
import { readModelMetadata } from "./model-metadata.ts";
import type { ModelOptions } from "./model-options.ts";
import { classNamesFor } from "./output/class-names.ts";
import { findOutputHead } from "./output/find-output-head.ts";
import { substituteFor } from "./substitute.ts";
import { option } from "./option.ts";

/** What is to be understood, and for which images. */
export interface UnderstandingRequest {
  readonly runtime: Runtime;
  readonly original: Model;
  /** @default the model's own input size */
  readonly imageSize: Size | undefined;
  readonly options: ModelOptions;
  /** Images that are seen at once. */
  readonly batch: number;
}

/** A model with its graph resolved for images of one size, and what it means. */
export interface UnderstoodModel {
  readonly resolved: ResolvedModel;
  readonly description: ModelDescription;
  /** What predicts where the runtime cannot run the original. */
  readonly substitute: ResolvedModel | undefined;
  /** Samples that the original takes to see one image. */
  readonly copies: number;
}

/** Decides what a model means for images of a size and resolves its graph for them. */
export async function understandModel(request: UnderstandingRequest): Promise<UnderstoodModel> {
  const { runtime, original, options, batch } = request;
  const metadata = readModelMetadata(original);
  const decisions: Decision[] = [];
  const input = findImageInput(original, options, decisions);
  for (const [name, feed] of Object.entries(options.feeds ?? {})) {
    decisions.push({
      what: `input '${name}'`,
      is: typeof feed === "number" ? String(feed) : `constant [${feed.dims.join(", ")}]`,
      because: "as told",
      options: ["feeds"],
    });
  }
  if (batch > 1) {
    decisions.push({
      what: "batch",
      is: `${batch} images at once`,
      because: "as told",
      options: ["batch"],
    });
  }
  if (isIntegerImage(input.dtype) && (options.mean ?? options.std) !== undefined) {
    throw new AsmaError(
      "ERR_PREPROCESSING",
      `Input '${input.name}' takes whole numbers (${input.dtype}), which the model normalises itself: leave ${option("mean")} and ${option("std")} out.`,
    );
  }
  const imageSize = request.imageSize ?? ownImageSize(input, options, metadata);
  const { preprocessing, dims, resolved } = await fitToModel(
    { original, runtime, input, options, metadata, images: batch },
    imageSize,
  );
  const { adaptations } = resolved;
  decisions.push(
    ...explainPreprocessing(
      preprocessing,
      options,
      metadata,
      findScaleEvidence(resolved, input.name),
    ),
    ...(options.preprocessor?.notes ?? []).map((note) => ({ ...note, options: [] })),
  );
  decisions.push(...explainAdaptations(adaptations, options));
  const substitute = await substituteFor(original, resolved, runtime, input.dtype, decisions);
  const told = options.classes ?? metadata.classes;
  const head = findOutputHead(
    resolved,
    {
      options,
      inputLayout: input.layout,
      inputSize: inputSizeOf(preprocessing),
      batch: preprocessing.batch,
      classNames: told ?? options.classList?.names,
    },
    decisions,
  );
  if (options.voidClass !== undefined && head.queries === undefined) {
    throw refusal("ERR_OPTION", {
      expected: `queries, one class of which ${option("voidClass")} means,`,
      found: `'${head.output}' holds ${head.classes} classes of pixels`,
      wayOut: "leave it out",
    });
  }
  const { grid, steps } = chooseGrid(head, preprocessing, options);
  decisions.push(explainGrid(grid, options));
  const description: ModelDescription = {
    input: { name: input.name, dtype: input.dtype, dims },
    channels: input.channels,
    preprocessing,
    head: { ...head, size: grid.size, steps },
    grid,
    classNames: classNamesFor(head, told, options.classList, decisions),
    opset: original.opset,
    operators: [...new Set(resolved.model.graph.node.map(({ opType }) => opType))].toSorted(),
    adaptations,
    decisions,
  };
  return { resolved, description, substitute, copies: input.batch ?? 1 };
}
