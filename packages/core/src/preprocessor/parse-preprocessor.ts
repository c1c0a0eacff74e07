import * as v from "valibot";
import { AsmaError, refusal } from "../errors.ts";
import type { Preprocessor, PreprocessorNote } from "../model/input/preprocessor.ts";
import type { Resampling } from "../model/input/resampling-matrix.ts";
import { foreignText } from "./foreign-content.ts";
import { option } from "../model/option.ts";
import { addedPixels } from "./added-pixels.ts";
import {
  configSchema,
  isSet,
  unknownEntry,
  type Config,
  type ImageEntry,
} from "./preprocessor-config.ts";
import {
  commonEntries,
  processorClass,
  unnamedClass,
  type NamedClass,
  type ProcessorClass,
} from "./processor-classes.ts";
import { NoSize, resizedSize } from "./resize-rules.ts";

/** Filters by the number that Pillow, and so the file, gives them. */
const pillowFilters: readonly Resampling[] = [
  "nearest",
  "lanczos",
  "bilinear",
  "bicubic",
  "box",
  "hamming",
];

const none = "`preprocessor: false`";
const instead = `give ${option("resize")}, ${option("range")}, ${option("mean")} and ${option("std")} with ${none}`;

/** What {@link parsePreprocessor} may know beside the file. */
export interface PreprocessorContext {
  /**
   * Class of the image processor where the file names none, such as "SegformerImageProcessor"; see
   * `readModelConfig`.
   */
  readonly processorType?: string | undefined;
}

/**
 * Reads the content of a Hugging Face `preprocessor_config.json`, by the rules of the class that it names:
 * its defaults, its way of rounding sizes, its order of steps.
 *
 * @param text the file's content
 * @param source names the file in errors and reasons
 * @throws AsmaError `ERR_PREPROCESSOR` for anything that is no such file, and for every entry that changes the
 *   image and cannot be honoured, by its name
 */
export function parsePreprocessor(
  text: string,
  source: string,
  { processorType }: PreprocessorContext = {},
): Preprocessor {
  const given = parseConfig(text, source);
  if (Object.keys(given).length === 0 && processorType === undefined) {
    throw noConfig(source, "it is an empty one, which asks for nothing");
  }
  const refuse: Refuse = (entry, reason) =>
    new AsmaError(
      "ERR_PREPROCESSOR",
      `'${source}' asks for ${entry}, which is not offered here${reason === undefined ? "" : `, since ${reason}`}: prepare the images so before, and ${instead}.`,
      { details: { source, entry } },
    );
  const unknown = unknownEntry(given);
  if (unknown !== undefined) {
    throw refuse(unknown);
  }
  const type = given.image_processor_type ?? given.feature_extractor_type ?? processorType;
  const named = type == null ? { known: unnamedClass, isFast: false } : processorClass(type);
  if (named === undefined) {
    throw refuse(`image_processor_type '${type}'`, "nothing is known of that class");
  }
  const { known, isFast } = named;
  const config = withDefaults(given, known, type ?? "no class in particular", refuse);
  const otherwise = isFast ? differingEntry(given, config, known) : undefined;
  if (otherwise !== undefined) {
    throw refuse(otherwise, `${type} does it in a way of its own`);
  }
  const isNormalized = config.do_normalize ?? config.image_mean != null;
  if (isNormalized && (config.image_mean == null || config.image_std == null)) {
    throw refuse("do_normalize without image_mean and image_std");
  }
  const white = config.do_rescale === true ? 255 * (config.rescale_factor ?? 1 / 255) : 255;
  const isFlipped = config.do_flip_channel_order === true;
  // Normalising comes first, so that its numbers are those of red, green and blue.
  const perChannel = (value: Config["image_mean"]) => {
    const list = typeof value === "number" ? [value] : (value ?? []);
    return isFlipped ? list.toReversed() : list;
  };
  return {
    source,
    text,
    ...(processorType !== undefined && { processorType }),
    resampling: pillowFilters[config.resample ?? 2] as Resampling,
    // 1/255 is often written with fewer digits than white needs to be exactly 1.
    range: [0, Math.abs(white - 1) < 1e-6 ? 1 : white],
    ...(isNormalized && {
      mean: perChannel(config.image_mean),
      std: perChannel(config.image_std),
    }),
    channelOrder: isFlipped ? "bgr" : "rgb",
    notes: notesOf(config, source),
    fit: (imageSize, resize) => fit({ known, isFast, config, refuse, source }, imageSize, resize),
  };
}

type Refuse = (entry: string, reason?: string) => AsmaError;

interface Parsed extends NamedClass {
  readonly config: Config;
  readonly refuse: Refuse;
  readonly source: string;
}

function parseConfig(text: string, source: string): Config {
  const json = text.replace(/^\uFEFF/, "");
  const foreign = foreignText(json);
  if (foreign !== undefined) {
    throw noConfig(source, foreign);
  }
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch (cause) {
    throw noConfig(source, `it cannot be read (${(cause as Error).message})`, cause);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw noConfig(source, `it is ${Array.isArray(content) ? "an array" : "a single value"}`);
  }
  // A processor_config.json holds one for each kind of input.
  const { image_processor: inner } = content as { image_processor?: unknown };
  const parsed = v.safeParse(configSchema, typeof inner === "object" ? inner : content);
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

function noConfig(source: string, found: string, cause?: unknown): AsmaError {
  return refusal("ERR_PREPROCESSOR", {
    expected: `a JSON object in '${source}'`,
    found,
    wayOut: `correct it or name another file, or leave it out with ${none}`,
    cause,
  });
}

/** Fills in what the class says where the file does not, and refuses what the class does not read. */
function withDefaults(given: Config, known: ProcessorClass, type: string, refuse: Refuse): Config {
  const { defaults, reads = [] } = known;
  const read = new Set<string>([...commonEntries, ...reads]);
  const stray = (Object.keys(given) as ImageEntry[]).find(
    (key) => Object.hasOwn(configSchema.entries, key) && !read.has(key) && acts(key, given),
  );
  if (stray !== undefined) {
    throw refuse(stray, `${type} does not read it and others do`);
  }
  const { size, max_size, pad_and_return_pixel_mask } = given;
  if (max_size != null && typeof size === "object" && size !== null) {
    throw refuse("max_size beside a size of named edges", "it is left out of account by some");
  }
  const config: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const isSwitch = key.startsWith("do_");
    // A switch that is null is off; a value that is null is the class's.
    if (value !== undefined && (value !== null || isSwitch)) {
      config[key] = value;
    }
  }
  if (pad_and_return_pixel_mask != null) {
    config["do_pad"] = pad_and_return_pixel_mask;
  }
  if (config["do_normalize"] === null && known !== unnamedClass) {
    config["do_normalize"] = false;
  }
  return config as Config;
}

/** What the variants on torchvision do otherwise, so that a file of one is not followed. */
function differingEntry(given: Config, config: Config, known: ProcessorClass): string | undefined {
  if (given.do_center_crop === undefined && config.do_center_crop === true) {
    return "do_center_crop without saying so";
  }
  if (config.do_pad === true && known.pad === "centre") {
    return "do_pad";
  }
  const isAsPillow = config.resample == null || [1, 2, 3].includes(config.resample);
  return config.do_resize === true && !isAsPillow ? `resample ${config.resample}` : undefined;
}

/** Whether an entry that a class does not read would do something in one that does. */
function acts(key: ImageEntry, given: Config): boolean {
  switch (key) {
    case "crop_size":
    case "pad_size":
    case "crop_pct":
      // These go with a switch, which is looked at itself.
      return false;
    case "image_mean":
    case "image_std":
      return false;
    case "do_pad":
      return (
        given.do_pad === true &&
        (given.pad_size ?? given.size_divisor ?? given.size_divisibility) != null
      );
    case "ensure_multiple_of":
      return (given.ensure_multiple_of ?? 1) > 1;
    default:
      return isSet(given[key]);
  }
}

function notesOf(config: Config, source: string): PreprocessorNote[] {
  const isReduced = config.do_reduce_labels === true || config.reduce_labels === true;
  return isReduced
    ? [
        {
          what: "labels of the data set",
          is: "one less in the model: the data set's 0 is none of its classes, its 1 is class 0",
          because: `do_reduce_labels in ${source}`,
          wayOut: "say which value of a mask is which class",
        },
      ]
    : [];
}

function fit(
  { known, isFast, config, refuse, source }: Parsed,
  imageSize: readonly number[],
  told: readonly number[] | undefined,
): ReturnType<Preprocessor["fit"]> {
  const [height, width] = imageSize as readonly [number, number];
  if (imageSize.length !== 2) {
    throw refusal("ERR_PREPROCESSOR", {
      expected: "a model of pictures",
      found: `'${source}' lies with a model of volumes`,
      wayOut: `leave it out with ${none}`,
    });
  }
  try {
    const resize =
      told ??
      (config.do_resize === true
        ? resizedSize(known.resize, config, known.isSquare === true, [height, width])
        : undefined);
    const size = (resize ?? imageSize) as readonly [number, number];
    return {
      resize: resize as readonly [number, number] | undefined,
      padding: addedPixels({ known, isFast }, config, size),
    };
  } catch (error) {
    throw error instanceof NoSize ? refuse(error.entry, error.message) : error;
  }
}
