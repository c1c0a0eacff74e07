import { describe, expect, it } from "vitest";
import { parsePreprocessor } from "./parse-preprocessor.ts";

const parse = (config: object) => parsePreprocessor(JSON.stringify(config), "p.json");

/** As published with SegFormer models. */
const segformer = {
  do_normalize: true,
  do_reduce_labels: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.485, 0.456, 0.406],
  image_processor_type: "SegformerImageProcessor",
  image_std: [0.229, 0.224, 0.225],
  resample: 2,
  rescale_factor: 0.00392156862745098,
  size: { height: 512, width: 512 },
};
const { image_processor_type: _, ...unnamed } = segformer;

it("reads size, filter, factor, mean and std", () => {
  const preprocessor = parse(segformer);
  expect(preprocessor).toMatchObject({
    source: "p.json",
    resampling: "bilinear",
    range: [0, 1],
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    channelOrder: "rgb",
  });
  expect(preprocessor.fit([300, 200])).toEqual({ resize: [512, 512], padding: undefined });
});

it("says that the data set's labels are shifted", () => {
  expect(parse(segformer).notes).toMatchObject([
    { because: expect.stringContaining("do_reduce_labels") },
  ]);
  expect(parse({ ...segformer, do_reduce_labels: false }).notes).toEqual([]);
});

it("reads older files by their class: a number is a square to one, the shorter edge to another", () => {
  const old = { size: 640, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
  const sizeBy = (type: string) =>
    parse({ ...old, feature_extractor_type: type }).fit([640, 900]).resize;
  expect(sizeBy("SegformerFeatureExtractor")).toEqual([640, 640]);
  expect(sizeBy("DetrFeatureExtractor")).toEqual([640, 900]);
  expect(() => parse(old).fit([640, 900])).toThrow(/asks for size/);
});

it("takes the class from the model's config.json where the file names none", () => {
  const preprocessor = parsePreprocessor(JSON.stringify({ ...unnamed, size: 640 }), "p.json", {
    processorType: "SegformerImageProcessor",
  });
  expect(preprocessor.fit([640, 900]).resize).toEqual([640, 640]);
});

it("fills in what a class says by itself", () => {
  const preprocessor = parse({ image_processor_type: "SegformerImageProcessor" });
  expect(preprocessor.mean).toEqual([0.485, 0.456, 0.406]);
  expect(preprocessor.fit([600, 700]).resize).toEqual([512, 512]);
});

it("reads the image's part of a processor_config.json", () => {
  const preprocessor = parse({ image_processor: segformer, processor_class: "X" });
  expect(preprocessor.fit([600, 700]).resize).toEqual([512, 512]);
});

it("takes values as they are in the file without rescaling", () => {
  expect(parse({ do_resize: false, do_rescale: false }).range).toEqual([0, 255]);
  expect(parse({ do_resize: false, rescale_factor: 1 / 127.5 }).range).toEqual([0, 2]);
});

it("leaves out what is switched off", () => {
  const preprocessor = parse({
    ...segformer,
    do_resize: false,
    do_normalize: false,
    do_pad: null,
  });
  expect(preprocessor.fit([60, 70])).toEqual({ resize: undefined, padding: undefined });
  expect(preprocessor.mean).toBeUndefined();
});

it("counts another size than its own where one is told", () => {
  const config = { image_processor_type: "ImageProcessor", do_pad: true, size_divisibility: 32 };
  expect(parse({ ...config, size: 100 }).fit([10, 10], [40, 60])).toEqual({
    resize: [40, 60],
    padding: { pixels: [0, 0, 24, 4], mode: "zero" },
  });
});

it("exchanges channels, mean and std with them, and pads to a multiple", () => {
  const config = {
    image_processor_type: "ImageProcessor",
    do_resize: false,
    do_flip_channel_order: true,
    do_pad: true,
    size_divisibility: 32,
    do_normalize: true,
    image_mean: [1, 2, 3],
    image_std: [4, 5, 6],
  };
  expect(parse(config)).toMatchObject({
    channelOrder: "bgr",
    mean: [3, 2, 1],
    std: [6, 5, 4],
  });
  expect(parse(config).fit([30, 64]).padding).toEqual({ pixels: [0, 0, 2, 0], mode: "zero" });
  expect(parse({ ...config, do_pad: false }).fit([30, 64]).padding).toBeUndefined();
});

it("cuts out the centre, and adds black where it is larger", () => {
  const config = { ...segformer, image_processor_type: "BeitImageProcessor", size: 60 };
  const crop = { do_center_crop: true, crop_size: { height: 45, width: 71 } };
  expect(parse({ ...config, ...crop }).fit([9, 9]).padding).toEqual({
    pixels: [-7, 6, -8, 5],
    mode: "constant",
  });
});

describe("the shortest edge, by the class's own rounding", () => {
  const size = { shortest_edge: 480, longest_edge: 800 };
  it.each([
    ["DetrImageProcessor", [600, 900], [480, 720]],
    ["DetrImageProcessor", [900, 600], [720, 480]],
    ["DetrImageProcessor", [300, 900], [267, 800]],
    ["OneFormerImageProcessor", [300, 900], [266, 800]],
    ["MaskFormerImageProcessor", [300, 900], [288, 800]],
    ["YolosImageProcessor", [300, 900], [256, 800]],
  ] as const)("%s makes %j into %j", (image_processor_type, from, to) => {
    expect(parse({ image_processor_type, size }).fit(from).resize).toEqual(to);
  });
  it("of no class in particular counts where all agree", () => {
    expect(parse({ size }).fit([600, 900]).resize).toEqual([480, 720]);
    expect(() => parse({ size }).fit([300, 900])).toThrow(/266×800/);
  });
});

const sam = { image_processor_type: "SamImageProcessor" };
it.each([
  ["do_center_crop", { ...segformer, do_center_crop: true, crop_size: 224 }],
  ["size", { do_resize: true }],
  ["image_mean", { do_resize: false, do_normalize: true }],
  ["resample", { ...segformer, resample: 9 }],
  ["size", { ...segformer, size: { height: 512 } }],
  ["size", { ...segformer, size: { height: 512, width: -1 } }],
  ["size", { ...segformer, size: { shortest_edge: 512 } }],
  ["image_std", { ...segformer, image_std: [0, 1, 1] }],
  ["offset", { ...segformer, offset: true }],
  ["do_convert_grayscale", { ...segformer, do_convert_grayscale: true }],
  ["do_flip_channel_order", { ...segformer, do_flip_channel_order: true }],
  ["pad_size", { ...sam, size: { longest_edge: 1024 }, pad_size: 512 }],
  ["size_divisor", { ...segformer, size_divisor: 32 }],
  ["keep_aspect_ratio", { ...segformer, keep_aspect_ratio: true }],
  ["max_size", { ...segformer, max_size: 600 }],
  ["sharpen", { ...segformer, sharpen: 2 }],
  ["image_processor_type 'MyImageProcessor'", { image_processor_type: "MyImageProcessor" }],
  ["size_divisor", { ...unnamed, size: { shortest_edge: 50 }, size_divisor: 32 }],
])("refuses %s by name", (name, config) => {
  expect(() => parse(config).fit([90, 150])).toThrow(
    expect.objectContaining({ code: "ERR_PREPROCESSOR", message: expect.stringContaining(name) }),
  );
});

it("refuses volumes", () => {
  expect(() => parse(segformer).fit([9, 9, 9])).toThrow(/volumes/);
});

it.each(["", "[]", "null", "{", '{"size": {"__proto__": 1}}', '"text"', "3"])(
  "refuses %j",
  (text) => {
    expect(() => parsePreprocessor(text, "p.json").fit([9, 9])).toThrow(
      expect.objectContaining({ code: "ERR_PREPROCESSOR" }),
    );
  },
);

it.each([
  ["{}", "it is an empty one, which asks for nothing"],
  ["[]", "it is an array"],
  ["3", "it is a single value"],
  ["", "it is empty"],
  ["version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS"],
  ["\uFFFDPNG\r\n\x1A\n\0\0", "it is no text"],
])("says what %j is", (text, found) => {
  const message = `Expected a JSON object in 'p.json' but ${found}`;
  expect(() => parsePreprocessor(text, "p.json")).toThrow(message);
});

it("reads a text that begins with a byte order mark", () => {
  expect(parsePreprocessor(`\uFEFF${JSON.stringify(segformer)}`, "p.json").range).toEqual([0, 1]);
});
