import type { Model } from "@onnx-asma/autodiff";
import { isFloat, type DataType } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { Decision } from "./decision.ts";
import { isIntegerImage } from "./integer-image.ts";
import type { Layout, ModelOptions } from "./model-options.ts";

/** The image input as the model declares it; `undefined` for dims that are dynamic. */
export interface ImageInput {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly (number | undefined)[];
  readonly layout: Layout;
  readonly channels: number;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/**
 * Finds the image among the model's inputs and how its axes are ordered.
 *
 * @throws AsmaError `ERR_IMAGE_INPUT` when there is none, or more than one and none is named
 */
export function findImageInput(
  model: Model,
  options: ModelOptions,
  decisions: Decision[],
): ImageInput {
  const inputs = model.declaredInputs();
  const listed = inputs
    .map((i) => `'${i.name}' ${i.dtype ?? "?"}[${i.dims?.map((d) => d ?? "?").join(", ") ?? "?"}]`)
    .join(", ");
  const isImage = (i: (typeof inputs)[number]) =>
    i.dtype !== undefined &&
    (isFloat(i.dtype) || isIntegerImage(i.dtype)) &&
    (i.dims === undefined || i.dims.length === 4);
  const floats = inputs.filter((i) => isImage(i) && isFloat(i.dtype as DataType));
  const candidates =
    options.input !== undefined
      ? inputs.filter((input) => input.name === options.input)
      : floats.length > 0
        ? floats
        : inputs.filter((i) => isImage(i) && i.dims !== undefined);
  const [input] = candidates;
  if (input === undefined || candidates.length > 1 || !isImage(input)) {
    const wanted = options.input === undefined ? "one" : `'${options.input}' to be a`;
    throw new AsmaError(
      "ERR_IMAGE_INPUT",
      `Expected ${wanted} float or integer input of four axes (batch, channels, height, width) but the model's inputs are ${listed || "none"}. ${candidates.length > 1 ? "Name the image with --input." : "Export the model so that an image goes in."}`,
    );
  }
  if (inputs.length > 1) {
    throw new AsmaError(
      "ERR_IMAGE_INPUT",
      `Expected the image to be the only input but the model's inputs are ${listed}: export it with the others fixed.`,
    );
  }
  const given = options.dims?.[input.name];
  const dims = given ?? input.dims ?? [undefined, undefined, undefined, undefined];
  if (dims.length !== 4) {
    throw new AsmaError(
      "ERR_IMAGE_INPUT",
      `Expected four dims for '${input.name}' but found [${dims.join(", ")}].`,
    );
  }
  if (dims[0] !== undefined && dims[0] !== 1) {
    throw new AsmaError(
      "ERR_IMAGE_INPUT",
      `Expected a batch of 1 or a dynamic batch but '${input.name}' has dims [${dims.map((d) => d ?? "?").join(", ")}]: export the model with batch 1 or a dynamic batch axis.`,
    );
  }
  decisions.push({
    what: "image input",
    is: `'${input.name}' ${input.dtype}[${dims.map((d) => d ?? "?").join(", ")}]`,
    because:
      options.input === undefined
        ? `the only ${isFloat(input.dtype as DataType) ? "float " : ""}input of four axes`
        : "as told",
    override: "--input",
  });
  const layout = options.layout ?? guessLayout(dims);
  decisions.push({
    what: "layout",
    is: layout,
    because: options.layout === undefined ? "from the axis with 1, 3 or 4 entries" : "as told",
    override: "--layout",
  });
  const [, a, b, c] = dims;
  const [channels, height, width] = layout === "NCHW" ? [a, b, c] : [c, a, b];
  return {
    name: input.name,
    dtype: input.dtype as DataType,
    dims,
    layout,
    channels: channels ?? model.firstConvolutionChannels(input.name) ?? 3,
    height,
    width,
  };
}

function guessLayout(dims: readonly (number | undefined)[]): Layout {
  const isChannels = (d: number | undefined) => d === 1 || d === 3 || d === 4;
  return !isChannels(dims[1]) && isChannels(dims[3]) ? "NHWC" : "NCHW";
}

/** The image input of a model, without the reasons. */
export function describeImageInput(model: Model, options: ModelOptions = {}): ImageInput {
  return findImageInput(model, options, []);
}
