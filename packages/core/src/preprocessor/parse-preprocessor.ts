import * as v from "valibot";
import { AsmaError, refusal } from "../errors.ts";
import type { Preprocessor } from "../model/input/preprocessor.ts";
import type { Resampling } from "../model/input/resampling-matrix.ts";
import { option } from "../model/option.ts";

const pixels = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 16));
const finite = v.pipe(v.number(), v.finite());

const sizeSchema = v.union([
  pixels,
  v.strictObject({ height: pixels, width: pixels }),
  v.strictObject({ shortest_edge: pixels, longest_edge: v.optional(pixels) }),
]);

/** The entries that bear on the image; those of other purposes (labels, class names) are left alone. */
const configSchema = v.looseObject({
  do_resize: v.optional(v.nullable(v.boolean()), true),
  size: v.optional(v.nullable(sizeSchema)),
  size_divisor: v.optional(v.nullable(pixels)),
  resample: v.optional(v.nullable(v.picklist([0, 1, 2, 3, 4, 5])), 2),
  do_rescale: v.optional(v.nullable(v.boolean()), true),
  rescale_factor: v.optional(v.pipe(finite, v.gtValue(0)), 1 / 255),
  do_normalize: v.optional(v.nullable(v.boolean())),
  image_mean: v.optional(v.nullable(v.array(finite))),
  image_std: v.optional(v.nullable(v.array(v.pipe(finite, v.gtValue(0))))),
  do_pad: v.optional(v.nullable(v.boolean()), false),
  size_divisibility: v.optional(v.nullable(pixels)),
  do_center_crop: v.optional(v.nullable(v.boolean()), false),
  do_flip_channel_order: v.optional(v.nullable(v.boolean()), false),
});

/** Filters by the number that Pillow, and so the file, gives them. */
const pillowFilters: readonly Resampling[] = [
  "nearest",
  "lanczos",
  "bilinear",
  "bicubic",
  "box",
  "hamming",
];

const none = "`preprocessor: undefined`";
const instead = `give ${option("resize")}, ${option("range")}, ${option("mean")} and ${option("std")} with ${none}`;

/** Entries that change the image in a way that is not offered here, when they are set. */
const unknownSteps = ["do_center_crop", "do_crop_margin", "do_thumbnail", "do_align_long_axis"];

/**
 * Reads the content of a Hugging Face `preprocessor_config.json`.
 *
 * @param text the file's content
 * @param source names the file in errors and reasons
 * @throws AsmaError `ERR_PREPROCESSOR` for anything that is no such file, and for every step that
 *   cannot be honoured, by its name
 */
export function parsePreprocessor(text: string, source: string): Preprocessor {
  const config = parseConfig(text, source);
  const refuse = (entry: string, wayOut: string) =>
    new AsmaError(
      "ERR_PREPROCESSOR",
      `'${source}' asks for ${entry}, which is not offered here: ${wayOut}.`,
      { details: { source, entry } },
    );
  for (const step of unknownSteps) {
    if (config[step] === true) {
      throw refuse(step, `crop the images before, and ${instead}`);
    }
  }
  if (config["offset"] === true) {
    throw refuse("offset", `give ${option("range")} with ${none}`);
  }
  const white = config.do_rescale === false ? 255 : 255 * config.rescale_factor;
  const isNormalized = config.do_normalize ?? config.image_mean != null;
  if (isNormalized && (config.image_mean == null || config.image_std == null)) {
    throw refuse(
      "do_normalize without image_mean and image_std",
      `give ${option("mean")} and ${option("std")}`,
    );
  }
  return {
    source,
    resize: config.do_resize === false ? undefined : resizeOf(config, refuse),
    resampling: pillowFilters[config.resample ?? 2] as Resampling,
    // 1/255 is often written with fewer digits than white needs to be exactly 1.
    range: [0, Math.abs(white - 1) < 1e-6 ? 1 : white],
    ...(isNormalized && { mean: config.image_mean ?? [], std: config.image_std ?? [] }),
    channelOrder: config.do_flip_channel_order === true ? "bgr" : "rgb",
    multiple: config.do_pad === true ? (config.size_divisor ?? config.size_divisibility ?? 1) : 1,
  };
}

type Config = v.InferOutput<typeof configSchema>;

function parseConfig(text: string, source: string): Config {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw refusal("ERR_PREPROCESSOR", {
      expected: `a JSON object in '${source}'`,
      found: `it cannot be read (${(cause as Error).message})`,
      wayOut: `correct it, or leave it out with ${none}`,
      cause,
    });
  }
  const parsed = v.safeParse(configSchema, content);
  if (parsed.success) {
    return parsed.output;
  }
  const [issue] = parsed.issues;
  const entry = v.getDotPath(issue) ?? "the file";
  throw new AsmaError(
    "ERR_PREPROCESSOR",
    `'${source}' asks for something that is not offered here: ${entry}: ${issue.message}. Correct it, or ${instead}.`,
    { details: { source, entry } },
  );
}

function resizeOf(
  { size }: Config,
  refuse: (entry: string, wayOut: string) => AsmaError,
): Preprocessor["resize"] {
  if (size == null) {
    throw refuse("do_resize without size", `give ${option("resize")}`);
  }
  if (typeof size === "number") {
    return { kind: "exact", size: [size, size] };
  }
  if ("height" in size) {
    return { kind: "exact", size: [size.height, size.width] };
  }
  return { kind: "shortest", shortest: size.shortest_edge, longest: size.longest_edge };
}
