import type { Adaptations } from "@onnx-asma/autodiff";
import type { Decision } from "./decision.ts";
import type { ModelMetadata } from "./model-metadata.ts";
import type { ModelOptions } from "./model-options.ts";
import type { OutputGrid } from "./grid/output-grid.ts";
import { isResized, type Preprocessing } from "./input/preprocessing.ts";

/**
 * Says how an image becomes the model's input, and why.
 *
 * @param scaledBy an operator of the model that takes values up to 255
 */
export function explainPreprocessing(
  p: Preprocessing,
  options: ModelOptions,
  metadata: ModelMetadata,
  scaledBy?: string,
): Decision[] {
  const { preprocessor } = options;
  const from = preprocessor && `from ${preprocessor.source}`;
  const isPadded = p.padding.some((n) => n !== 0);
  const axes =
    p.imageSize.length === 2 ? "top, left, bottom, right" : "before each axis, then after";
  const values = [options.range, options.mean, options.std];
  const hasMetadataValues = [metadata.range, metadata.mean, metadata.std].some(Boolean);
  const isDoubted =
    scaledBy !== undefined &&
    !from &&
    !hasMetadataValues &&
    !values.some(Boolean) &&
    p.range[1] === 1;
  return [
    {
      what: "resize",
      is: isResized(p)
        ? `${p.imageSize.join("×")} to ${p.resizedSize.join("×")}, ${p.resampling === "bilinear" ? "linear" : p.resampling}${p.resampling === "nearest" ? "" : ", antialiased"}`
        : "none",
      because: isTold(
        options.resize,
        from && preprocessor?.fit(p.imageSize).resize
          ? from
          : isResized(p)
            ? "the model's input size is fixed"
            : "the image fits",
      ),
      options: ["resize"],
    },
    {
      what: "padding",
      is: isPadded ? `[${p.padding.join(", ")}] (${axes}), ${p.paddingMode}` : "none",
      because: isTold(
        options.padding,
        p.isPaddedToFit
          ? from && p.paddingMode !== "edge"
            ? from
            : "the model refuses the image's size and takes this multiple"
          : isPadded
            ? "from the model's metadata"
            : metadata.padding !== undefined
              ? "the image has the input's size already"
              : "none asked for",
      ),
      options: ["padding"],
    },
    {
      what: "channel order",
      is: p.channelOrder,
      because: isTold(options.channelOrder, from ?? "the default"),
      options: ["channelOrder"],
    },
    {
      what: "values",
      is: `black ${p.range[0]}, white ${p.range[1]}${p.mean.length > 0 ? `, mean [${p.mean.join(", ")}]` : ""}${p.std.length > 0 ? `, std [${p.std.join(", ")}]` : ""}`,
      because: isTold(
        values.find(Boolean),
        from ??
          (hasMetadataValues
            ? "from the model's metadata"
            : `the default${isDoubted ? `, though ${scaledBy} is made for values up to 255` : ""}`),
      ),
      ...(isDoubted && { isUnsure: true }),
      options: ["range", "mean", "std"],
    },
  ];
}

/** Says how the differentiated model departs from the file. */
export function explainAdaptations(
  { floats, integerInputs, quantized }: Adaptations,
  options: ModelOptions,
): Decision[] {
  const decisions: Decision[] = [];
  if (floats.length > 0 || options.precision === "model") {
    decisions.push({
      what: "precision",
      is: floats.length > 0 ? `float32, where the model has ${floats.join(", ")}` : "the model's",
      because: isTold(options.precision, "gradients need the range"),
      options: ["precision"],
    });
  }
  for (const [name, dtype] of Object.entries(integerInputs)) {
    decisions.push({
      what: "whole numbers",
      is: `'${name}' is rounded to ${dtype}; gradients pass straight through`,
      because: "the model takes integers",
      options: [],
      wayOut: "a model that takes floats",
    });
  }
  if (quantized > 0) {
    decisions.push({
      what: "quantization",
      is: `straight-through gradient at ${quantized} quantized activations`,
      because: "the model is quantized, and rounding has no gradient of its own",
      options: [],
      wayOut: "the float model that it was made from",
    });
  }
  return decisions;
}

/** Says where the labels lie, and why. */
export function explainGrid({ kind, size }: OutputGrid, options: ModelOptions): Decision {
  const words = {
    same: "the input's own",
    crop: "the centre of the input",
    scaled: "the whole input at another scale",
    image: "the image's own, scores resized to it (bilinear) before the largest wins",
  };
  return {
    what: "output grid",
    is: `${size.join("×")}, ${words[kind]}`,
    because: isTold(options.grid, "from the sizes of input and output"),
    options: ["grid"],
  };
}

function isTold(option: unknown, otherwise: string): string {
  return option === undefined ? otherwise : "as told";
}
