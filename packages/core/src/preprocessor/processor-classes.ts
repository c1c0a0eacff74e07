import type { Config, ImageEntry } from "./preprocessor-config.ts";

/** How a class of image processors finds the size that an image becomes; see `resize-rules.ts`. */
export type ResizeRule =
  | "none"
  | "exact"
  | "shortest"
  | "detr"
  | "yolos"
  | "maskformer"
  | "dpt"
  | "sam"
  | "eomt"
  | "glpn"
  | "convnext"
  | "javascript"
  | "unknown";

/** Where the pixels of a padding are added, and what they hold. */
export type PadRule =
  /** Behind, up to `pad_size`, as 0 after normalising. */
  | "size"
  /** Behind, up to a multiple, as 0 after normalising. */
  | "multiple"
  /** On both sides, up to a multiple, as 0 after normalising. */
  | "centre"
  /** Behind, up to the edges of `size`, in black. */
  | "edges"
  /** Behind, mirrored with the border's pixels doubled, which is not offered here. */
  | "symmetric";

/** A class of image processors, and whether it is the variant that stands on torchvision. */
export interface NamedClass {
  readonly known: ProcessorClass;
  readonly isFast: boolean;
}

/** What a class of image processors does with the entries of its file. */
export interface ProcessorClass {
  readonly resize: ResizeRule;
  readonly pad?: PadRule;
  /** Whether a number for `size` is a square's edge, rather than the shorter edge. */
  readonly isSquare?: boolean;
  /** What entries are that are missing or null. */
  readonly defaults: Partial<Config>;
  /** Entries that are read beside those that every class reads. */
  readonly reads?: readonly ImageEntry[];
}

const imagenet = {
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
};
const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const openai = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const [bilinear, bicubic] = [2, 3] as const;
const square = (edge: number) => ({ height: edge, width: edge });
const always = { do_resize: true, do_rescale: true, do_normalize: true, resample: bilinear };

const normalising: readonly ImageEntry[] = ["do_normalize", "image_mean", "image_std"];
const cropping: readonly ImageEntry[] = ["do_center_crop", "crop_size"];
const padding: readonly ImageEntry[] = ["do_pad", "pad_and_return_pixel_mask", "pad_size"];

/** Classes that resize to height and width. */
const exact = (edge: number, values: Partial<Config>): ProcessorClass => ({
  resize: "exact",
  isSquare: true,
  defaults: { ...always, size: square(edge), ...values },
  reads: normalising,
});

/** Classes that resize the shorter edge and cut out the centre. */
const cropped = (edge: number, crop: number, values: Partial<Config>): ProcessorClass => ({
  resize: "shortest",
  defaults: {
    ...always,
    size: { shortest_edge: edge },
    do_center_crop: true,
    crop_size: square(crop),
    ...values,
  },
  reads: [...normalising, ...cropping],
});

const detr: ProcessorClass = {
  resize: "detr",
  pad: "size",
  defaults: {
    ...always,
    ...imagenet,
    size: { shortest_edge: 800, longest_edge: 1333 },
    max_size: 1333,
    do_pad: true,
  },
  reads: [...normalising, ...padding, "max_size"],
};

const rtDetr: ProcessorClass = {
  ...detr,
  defaults: {
    ...always,
    ...imagenet,
    size: square(640),
    do_normalize: false,
    do_pad: false,
  },
  reads: [...normalising, ...padding],
};

/** The size is that of a multiple; a padding is done of whatever `pad_size` says, without being asked for. */
const maskFormer: ProcessorClass = {
  resize: "maskformer",
  pad: "size",
  defaults: { ...detr.defaults, size_divisor: 32 },
  reads: [...normalising, ...padding, "max_size", "size_divisor", "size_divisibility"],
};

const beit: ProcessorClass = {
  ...exact(256, {
    ...half,
    resample: bicubic,
    do_center_crop: true,
    crop_size: square(224),
  }),
  reads: [...normalising, ...cropping],
};

/** The base class of transformers.js, under the names of files that were written for it. */
const javascript: ProcessorClass = {
  resize: "javascript",
  pad: "multiple",
  defaults: { do_resize: true, do_rescale: true, do_normalize: false, resample: bilinear },
  reads: [
    ...normalising,
    ...cropping,
    ...padding,
    "max_size",
    "size_divisor",
    "size_divisibility",
    "keep_aspect_ratio",
    "ensure_multiple_of",
    "do_flip_channel_order",
  ],
};

/** A file that names no class: only what all classes agree on. */
export const unnamedClass: ProcessorClass = {
  ...javascript,
  resize: "unknown",
  defaults: { ...javascript.defaults, do_normalize: null },
};

const classes: Readonly<Record<string, ProcessorClass>> = {
  Beit: beit,
  Bit: cropped(224, 224, { ...openai, resample: bicubic }),
  Blip: exact(384, { ...openai, resample: bicubic }),
  CLIP: cropped(224, 224, { ...openai, resample: bicubic }),
  ChineseCLIP: cropped(224, 224, { ...openai, resample: bicubic }),
  ConditionalDetr: detr,
  ConvNext: {
    resize: "convnext",
    defaults: { ...always, ...half, size: { shortest_edge: 384 }, crop_pct: 224 / 256 },
    reads: [...normalising, "crop_pct"],
  },
  Data2VecVision: beit,
  DeformableDetr: detr,
  DeiT: beit,
  Deta: detr,
  Detr: detr,
  DPT: {
    resize: "dpt",
    pad: "centre",
    isSquare: true,
    defaults: {
      ...always,
      ...half,
      resample: bicubic,
      size: square(384),
      keep_aspect_ratio: false,
      ensure_multiple_of: 1,
      do_pad: false,
    },
    reads: [...normalising, "keep_aspect_ratio", "ensure_multiple_of", "do_pad", "size_divisor"],
  },
  Eomt: {
    resize: "eomt",
    pad: "edges",
    defaults: {
      ...always,
      ...imagenet,
      size: { shortest_edge: 640, longest_edge: 640 },
      do_pad: false,
    },
    reads: [...normalising, "do_pad"],
  },
  GLPN: {
    resize: "glpn",
    defaults: { do_resize: true, do_rescale: true, resample: bilinear, size_divisor: 32 },
    reads: ["size_divisor"],
  },
  GroundingDino: detr,
  Image: javascript,
  Mask2Former: maskFormer,
  MaskFormer: maskFormer,
  MobileNetV1: cropped(256, 224, half),
  MobileNetV2: cropped(256, 224, half),
  MobileViT: {
    resize: "shortest",
    defaults: {
      do_resize: true,
      do_rescale: true,
      resample: bilinear,
      size: { shortest_edge: 224 },
      do_center_crop: true,
      crop_size: square(256),
      do_flip_channel_order: true,
    },
    reads: [...cropping, "do_flip_channel_order"],
  },
  OneFormer: {
    ...maskFormer,
    defaults: detr.defaults,
    reads: [...normalising, ...padding, "max_size"],
  },
  OwlViT: {
    ...exact(768, {
      ...openai,
      resample: bicubic,
      do_center_crop: false,
      crop_size: square(768),
    }),
    reads: [...normalising, ...cropping],
  },
  Pvt: exact(224, imagenet),
  RTDetr: rtDetr,
  Sam: {
    resize: "sam",
    pad: "size",
    defaults: {
      ...always,
      ...imagenet,
      size: { longest_edge: 1024 },
      do_pad: true,
      pad_size: square(1024),
    },
    reads: [...normalising, "do_pad", "pad_size"],
  },
  Sam2: exact(1024, imagenet),
  Sapiens: javascript,
  Segformer: exact(512, imagenet),
  SegGpt: exact(448, { ...imagenet, resample: bicubic }),
  Siglip: exact(224, { ...half, resample: bicubic }),
  Swin2SR: {
    resize: "none",
    pad: "symmetric",
    defaults: { do_resize: false, do_rescale: true, do_pad: true, size_divisor: 8 },
    reads: ["do_pad", "size_divisor", "pad_size"],
  },
  ViT: exact(224, half),
  Yolos: { ...detr, resize: "yolos" },
};

/**
 * The class that a file names as `image_processor_type` or, in older files, `feature_extractor_type`.
 *
 * @param type such as "SegformerImageProcessor", "DetrFeatureExtractor"
 * @returns `undefined` for a class that is not known here
 */
export function processorClass(type: string): NamedClass | undefined {
  const [, name, variant] =
    /^(\w*?)(?:ImageProcessor|FeatureExtractor)(Fast|Pil)?$/.exec(type) ?? [];
  const key = name === "" ? "Image" : (name ?? "");
  const known = Object.hasOwn(classes, key) ? classes[key] : undefined;
  return known && { known, isFast: variant === "Fast" };
}

/** Entries that every class reads. */
export const commonEntries: readonly ImageEntry[] = [
  "do_resize",
  "size",
  "default_to_square",
  "resample",
  "do_rescale",
  "rescale_factor",
  "do_reduce_labels",
  "reduce_labels",
  "image_processor_type",
  "feature_extractor_type",
];
