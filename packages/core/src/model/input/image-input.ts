import type { Model } from "@onnx-asma/autodiff";
import { isFloat, neededInputs, type DataType } from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "../../errors.ts";
import type { Decision } from "../decision.ts";
import { findImageEvidence, type ImageEvidence } from "./image-evidence.ts";
import { axisOf, layouts, spatialDims, type Layout } from "../layout.ts";
import { isIntegerImage } from "./integer-image.ts";
import type { ModelOptions } from "../model-options.ts";
import { option } from "../option.ts";

/** The image input as the model declares it; `undefined` for dims that are dynamic. */
export interface ImageInput {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly (number | undefined)[];
  readonly layout: Layout;
  /** Samples that the model takes at once; `undefined` where that is free. */
  readonly batch: number | undefined;
  readonly channels: number;
  /** Height and width, or depth, height and width. */
  readonly size: readonly (number | undefined)[];
}

type Declared = ReturnType<Model["declaredInputs"]>[number];

/**
 * Finds the image among the model's inputs and how its axes are ordered.
 *
 * @throws AsmaError `ERR_IMAGE_INPUT` when there is none, or more than one and none is named; `ERR_FEED` for a value
 *   of an input that is not there, or of the image; `ERR_INPUT_DIMS` for dims that contradict the model's
 */
export function findImageInput(
  model: Model,
  options: ModelOptions,
  decisions: Decision[],
): ImageInput {
  const needed = neededInputs(model);
  const inputs = needed.filter(({ name }) => options.feeds?.[name] === undefined);
  checkFeeds(model, needed, options);
  const input = chooseInput(inputs, options);
  const dims = dimsOf(input, options);
  decisions.push({
    what: "image input",
    is: `'${input.name}' ${describe({ ...input, dims })}`,
    because:
      options.input === undefined
        ? `the only ${isFloat(input.dtype as DataType) ? "float " : ""}input of an image's rank`
        : "as told",
    options: ["input"],
  });
  const evidence = findImageEvidence(model, input.name);
  const { layout, because } = chooseLayout(input.name, dims, evidence, options.layout);
  decisions.push({ what: "layout", is: layout, because, options: ["layout"] });
  const at = (letter: "N" | "C") => {
    const axis = axisOf(layout, letter);
    return axis === undefined ? 1 : dims[axis];
  };
  const batch = at("N");
  const channels = at("C") ?? evidence?.count;
  if (at("C") === undefined) {
    decisions.push({
      what: "channels",
      is: String(channels ?? 3),
      because:
        channels === undefined
          ? "assumed, nothing tells"
          : `from the weights: ${evidence?.because}`,
      options: ["dims"],
    });
  }
  if (batch !== undefined && batch > 1) {
    decisions.push({
      what: "batch",
      is: `${batch} copies of the image, the first prediction counts`,
      because: "the model's batch is fixed",
      options: ["dims"],
      wayOut: `${option("dims")}, where the batch is dynamic`,
    });
  }
  return {
    name: input.name,
    dtype: input.dtype as DataType,
    dims,
    layout,
    batch,
    channels: channels ?? 3,
    size: spatialDims(dims, layout),
  };
}

function describe({ dtype, dims }: Pick<Declared, "dtype" | "dims">): string {
  return `${dtype ?? "?"}[${dims?.map((d) => d ?? "?").join(", ") ?? "?"}]`;
}

/** Refuses values of inputs that are not there, and one that leaves no image. */
function checkFeeds(model: Model, needed: readonly Declared[], options: ModelOptions): void {
  const { feeds = {}, input } = options;
  const names = model.graph.input.map(({ name }) => name);
  const stray = Object.keys(feeds).find((name) => !names.includes(name));
  const images = needed.filter((other) => isImage(other, options));
  const isLost = images.length > 0 && images.every(({ name }) => feeds[name] !== undefined);
  const fed =
    input !== undefined && feeds[input] !== undefined
      ? input
      : isLost
        ? images[0]?.name
        : undefined;
  if (stray !== undefined || fed !== undefined) {
    throw refusal("ERR_FEED", {
      expected: `names of the model's inputs beside the image in ${option("feeds")}`,
      found:
        stray === undefined
          ? `'${fed}' is the image itself`
          : `'${stray}' is none of ${names.map((name) => `'${name}'`).join(", ")}`,
      wayOut: stray === undefined ? "leave it out" : "correct the name",
    });
  }
}

function isImage({ dtype, dims }: Declared, { layout }: ModelOptions): boolean {
  return (
    dtype !== undefined &&
    (isFloat(dtype) || isIntegerImage(dtype)) &&
    (dims === undefined ||
      (layout === undefined ? [3, 4, 5] : [layout.length]).includes(dims.length))
  );
}

function chooseInput(inputs: readonly Declared[], options: ModelOptions): Declared {
  const listed = inputs.map((i) => `'${i.name}' ${describe(i)}`).join(", ");
  const floats = inputs.filter((i) => isImage(i, options) && isFloat(i.dtype as DataType));
  const candidates =
    options.input !== undefined
      ? inputs.filter((input) => input.name === options.input)
      : floats.length > 0
        ? floats
        : inputs.filter((i) => isImage(i, options) && i.dims !== undefined);
  const [input] = candidates;
  if (input === undefined || candidates.length > 1 || !isImage(input, options)) {
    const wanted = options.input === undefined ? "one" : `'${options.input}' to be a`;
    const axes = options.layout ?? "four axes (batch, channels, height, width), five for a volume";
    throw new AsmaError(
      "ERR_IMAGE_INPUT",
      `Expected ${wanted} float or integer input of ${axes}, but the model's inputs are ${listed || "none"}. ${candidates.length > 1 ? `Name the image with ${option("input")}.` : `Export the model so that an image goes in, or say how its axes are ordered with ${option("layout")}.`}`,
    );
  }
  if (inputs.length > 1) {
    throw refusal("ERR_IMAGE_INPUT", {
      expected: "the image to be the only input",
      found: `the model's inputs are ${listed}`,
      wayOut: `give the others values with ${option("feeds")}, or export it with them fixed`,
    });
  }
  return input;
}

function dimsOf(input: Declared, options: ModelOptions): readonly (number | undefined)[] {
  const given = options.dims?.[input.name];
  const rank = options.layout?.length ?? 4;
  const fits = (own: readonly (number | undefined)[]) =>
    given === undefined ||
    (given.length === own.length && own.every((d, i) => d === undefined || d === given[i]));
  if (input.dims !== undefined && !fits(input.dims)) {
    throw refusal("ERR_INPUT_DIMS", {
      expected: `dims that fit those of '${input.name}', [${input.dims.map((d) => d ?? "?").join(", ")}], in ${option("dims")}`,
      found: `found [${given?.join(", ")}]`,
      wayOut: "give as many, and those that are fixed as they are",
    });
  }
  const dims = given ?? input.dims ?? Array.from({ length: rank }, () => undefined);
  if (dims.length < 2 || dims.length > 5) {
    throw refusal("ERR_IMAGE_INPUT", {
      expected: `two to five dims for '${input.name}'`,
      found: `found [${dims.join(", ")}]`,
    });
  }
  return dims;
}

function chooseLayout(
  name: string,
  dims: readonly (number | undefined)[],
  evidence: ImageEvidence | undefined,
  told: Layout | undefined,
): { layout: Layout; because: string } {
  const shown = dims.map((d) => d ?? "?").join(", ");
  const fitting = layouts.filter((layout) => layout.length === dims.length);
  if (told !== undefined) {
    if (told.length !== dims.length) {
      throw new AsmaError(
        "ERR_IMAGE_INPUT",
        `The layout ${told} has ${told.length} axes, but '${name}' has dims [${shown}]: choose one of ${fitting.join(", ")} for ${option("layout")}.`,
      );
    }
    return { layout: told, because: "as told" };
  }
  const [first, last] = firstAndLast(dims.length);
  if (evidence !== undefined && dims.length > 3) {
    return {
      layout: evidence.channels === "first" ? first : last,
      because: evidence.because,
    };
  }
  const isChannels = (d: number | undefined) => d === 1 || d === 3 || d === 4;
  const atFirst = dims[axisOf(first, "C") as number];
  const atLast = dims.at(-1);
  if (isChannels(atFirst) || isChannels(atLast)) {
    const layout = isChannels(atFirst) ? first : last;
    return { layout, because: "from the axis with 1, 3 or 4 entries" };
  }
  if (atFirst !== undefined && atLast !== undefined && atLast * 4 <= atFirst) {
    return { layout: last, because: "the last axis is far shorter than the second" };
  }
  return { layout: first, because: "the usual order; nothing in the model tells" };
}

function firstAndLast(rank: number): readonly [Layout, Layout] {
  switch (rank) {
    case 2:
      return ["HW", "HW"];
    case 3:
      return ["CHW", "HWC"];
    case 4:
      return ["NCHW", "NHWC"];
    default:
      return ["NCDHW", "NDHWC"];
  }
}

/** The image input of a model, without the reasons. */
export function describeImageInput(model: Model, options: ModelOptions = {}): ImageInput {
  return findImageInput(model, options, []);
}
