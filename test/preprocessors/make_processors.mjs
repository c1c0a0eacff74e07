// Writes javascript.json: what the image processors of transformers.js make of three pictures.
//
//   npm install @huggingface/transformers@4.3.2 && node make_processors.mjs
//
// Where a picture is resized, its values are those of another library than Pillow, which the models were trained
// with: dims are kept then, and values only where none is. DETR's classes are left out: transformers.js enlarges to
// the longest edge where transformers, which the models are trained with, does not.
import { writeFileSync } from "node:fs";
import * as transformers from "@huggingface/transformers";

const sizes = [
  [90, 150],
  [64, 64],
  [131, 70],
];
const samples = 150;
const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const both = { do_rescale: true, rescale_factor: 0.00392156862745098, do_normalize: true };
const square = (edge) => ({ height: edge, width: edge });

const configs = {
  modnet: {
    feature_extractor_type: "ImageFeatureExtractor",
    ...both,
    ...half,
    do_pad: false,
    do_resize: true,
    resample: 2,
    size: { shortest_edge: 64, size_divisibility: 32 },
  },
  rmbg: {
    feature_extractor_type: "ImageFeatureExtractor",
    ...both,
    do_pad: false,
    do_resize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [1, 1, 1],
    resample: 2,
    size: square(64),
  },
  birefnet: {
    feature_extractor_type: "ViTFeatureExtractor",
    ...both,
    ...imagenet,
    do_resize: true,
    resample: 2,
    size: square(64),
  },
  "image-number": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...half,
    do_resize: true,
    size: 80,
  },
  "image-longest": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...half,
    do_resize: true,
    size: { longest_edge: 77 },
  },
  "image-edges": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...imagenet,
    do_resize: true,
    size: { shortest_edge: 60, longest_edge: 100 },
  },
  "image-divisible": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...half,
    do_resize: true,
    size_divisibility: 16,
  },
  "image-padded": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...imagenet,
    do_resize: false,
    do_pad: true,
    size_divisibility: 32,
  },
  "image-pad-size": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...imagenet,
    do_resize: false,
    do_pad: true,
    pad_size: { height: 140, width: 160 },
  },
  "image-flipped": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...imagenet,
    do_resize: false,
    do_flip_channel_order: true,
  },
  "image-cropped": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...half,
    do_resize: false,
    do_center_crop: true,
    crop_size: { height: 51, width: 64 },
  },
  "image-plain": { image_processor_type: "ImageProcessor", do_resize: false },
  "image-depth": {
    image_processor_type: "ImageProcessor",
    ...both,
    ...imagenet,
    do_resize: true,
    keep_aspect_ratio: true,
    ensure_multiple_of: 14,
    size: square(84),
  },
  sapiens: {
    feature_extractor_type: "SapiensFeatureExtractor",
    do_normalize: true,
    do_resize: true,
    do_rescale: false,
    image_mean: [123.5, 116.5, 103.5],
    image_std: [58.5, 57, 57.5],
    size: { height: 96, width: 72, resample: 2 },
  },
  segformer: {
    feature_extractor_type: "SegformerFeatureExtractor",
    ...both,
    ...imagenet,
    do_resize: true,
    reduce_labels: true,
    resample: 2,
    size: square(64),
  },
  "depth-anything": {
    image_processor_type: "DPTImageProcessor",
    ...both,
    ...imagenet,
    do_pad: false,
    do_resize: true,
    ensure_multiple_of: 14,
    keep_aspect_ratio: true,
    resample: 3,
    size: square(84),
    size_divisor: null,
  },
  sam: {
    image_processor_type: "SamImageProcessor",
    ...both,
    ...imagenet,
    do_pad: true,
    do_resize: true,
    pad_size: square(64),
    resample: 2,
    size: { longest_edge: 64 },
  },
  mobilevit: {
    feature_extractor_type: "MobileViTFeatureExtractor",
    do_rescale: true,
    do_resize: true,
    do_center_crop: true,
    crop_size: square(48),
    do_flip_channel_order: true,
    resample: 2,
    size: { shortest_edge: 61 },
  },
};

function picture(height, width) {
  const data = new Uint8ClampedArray(3 * height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const waves = 128 + 90 * Math.sin(x / 9 + c) * Math.cos(y / 7 - c);
        const board = ((Math.floor(x / 11) + Math.floor(y / 13)) % 2) - 0.5;
        const edges = 60 * board + ((x * 31 + y * 17 + c * 57) % 23);
        data[(y * width + x) * 3 + c] = Math.floor(Math.min(Math.max(waves + edges, 0), 255));
      }
    }
  }
  return new transformers.RawImage(data, width, height, 3);
}

const results = {};
for (const [name, config] of Object.entries(configs)) {
  const type = config.image_processor_type ?? config.feature_extractor_type;
  const Kind = transformers[type] ?? transformers.ImageProcessor;
  const found = [];
  for (const [height, width] of sizes) {
    const image = picture(height, width);
    const processor = new Kind(config);
    let isResampled = false;
    const resize = image.resize.bind(image);
    image.resize = async (w, h, options) => {
      isResampled ||= w !== width || h !== height;
      return await resize(w, h, options);
    };
    image.rgb = () => image;
    const { pixel_values: values } = await processor([image]);
    const flat = values.data;
    const at = Array.from({ length: samples }, (_, i) =>
      Math.floor((i * (flat.length - 1)) / (samples - 1)),
    );
    found.push({
      dims: values.dims.slice(1),
      values: isResampled ? [] : at.map((i) => Number(flat[i].toFixed(5))),
    });
  }
  results[name] = { config, found };
}
const lines = Object.entries(results).map(([k, v]) => `${JSON.stringify(k)}: ${JSON.stringify(v)}`);
writeFileSync(new URL("javascript.json", import.meta.url), `{\n${lines.join(",\n")}\n}\n`);
