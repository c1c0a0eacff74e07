import * as v from "valibot";

const pixels = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 16));
const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(finite, v.gtValue(0));
const flag = v.nullish(v.boolean());
const plane = v.strictObject({ height: pixels, width: pixels });

/** Sizes as files give them: a number, height and width, or what edges become or may at most be. */
const sizeSchema = v.union(
  [
    pixels,
    v.tuple([pixels, pixels]),
    plane,
    v.strictObject({ shortest_edge: pixels, longest_edge: v.nullish(pixels) }),
    v.strictObject({ longest_edge: pixels }),
    v.strictObject({ max_height: pixels, max_width: pixels }),
  ],
  "expected a number of pixels, or an object of height and width, shortest_edge and longest_edge, or max_height and max_width",
);

/** The entries that can change the image. */
const imageEntries = {
  do_resize: flag,
  size: v.nullish(sizeSchema),
  max_size: v.nullish(pixels),
  default_to_square: flag,
  size_divisor: v.nullish(pixels),
  size_divisibility: v.nullish(pixels),
  keep_aspect_ratio: flag,
  ensure_multiple_of: v.nullish(pixels),
  resample: v.nullish(v.picklist([0, 1, 2, 3, 4, 5])),
  crop_pct: v.nullish(v.pipe(positive, v.maxValue(1))),
  do_center_crop: flag,
  crop_size: v.nullish(v.union([pixels, v.tuple([pixels, pixels]), plane])),
  do_rescale: flag,
  rescale_factor: v.nullish(positive),
  do_normalize: flag,
  image_mean: v.nullish(v.union([finite, v.pipe(v.array(finite), v.minLength(1))])),
  image_std: v.nullish(v.union([positive, v.pipe(v.array(positive), v.minLength(1))])),
  do_pad: flag,
  pad_and_return_pixel_mask: flag,
  pad_size: v.nullish(v.union([pixels, plane])),
  do_flip_channel_order: flag,
  do_reduce_labels: flag,
  reduce_labels: flag,
  image_processor_type: v.nullish(v.string()),
  feature_extractor_type: v.nullish(v.string()),
};

/** The content of a `preprocessor_config.json`, as far as it bears on the image. */
export const configSchema = v.looseObject(imageEntries);

/** See {@link configSchema}. */
export type Config = v.InferOutput<v.ObjectSchema<typeof imageEntries, undefined>>;

/** The name of an entry that bears on the image. */
export type ImageEntry = keyof typeof imageEntries;

/** Steps that are not offered, for each of which something else changes the image when it is set. */
const refusedSteps: readonly string[] = [
  "do_convert_grayscale",
  "do_grayscale",
  "do_crop_margin",
  "do_thumbnail",
  "do_align_long_axis",
  "do_align_axis",
  "do_split_image",
  "do_image_splitting",
  "do_pan_and_scan",
  "do_affine_transform",
  "do_color_quantize",
  "do_crop",
  "do_equalize",
  "offset",
  "do_offset",
  "rescale_offset",
  "constant_values",
  "pad_val",
  "pad_value",
  "pad_mode",
  "min_pixels",
  "max_pixels",
];

/** Entries about labels, annotations, texts and the file itself. */
const harmlessEntries: ReadonlySet<string> = new Set(
  [
    "processor_class _processor_class auto_map transformers_version _name_or_path",
    "model_type _valid_processor_keys _max_size return_tensors device data_format",
    "input_data_format disable_grouping do_convert_rgb ignore_index num_labels num_text",
    "task_type class_info_file repo_path metadata format do_convert_annotations",
    "do_normalize_annotations mask_size mask_pad_size image_seq_length apply_ocr ocr_lang",
    "tesseract_config return_segmentation_masks masks_path max_seq_length task_seq_length",
    "id2label label2id tokenizer_class return_row_col_info",
  ].flatMap((words) => words.split(" ")),
);

/** Whether an entry asks for something: a switch that is on, a value that is there. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** The first entry of a file that changes the image in a way that is not offered, or may do so. */
export function unknownEntry(config: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(config).find(
    (key) =>
      isSet(config[key]) &&
      !Object.hasOwn(imageEntries, key) &&
      !harmlessEntries.has(key) &&
      // Of a switch that is off, the values that go with it do nothing.
      !(refusedSteps.includes(key) && config[key] === 0),
  );
}
