import { describe, expect, it } from "vitest";
import { parsePreprocessor } from "./parse-preprocessor.ts";
import { resizeFor } from "../model/input/preprocessor.ts";

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

it("reads size, filter, factor, mean and std", () => {
  expect(parse(segformer)).toEqual({
    source: "p.json",
    resize: { kind: "exact", size: [512, 512] },
    resampling: "bilinear",
    range: [0, 1],
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    channelOrder: "rgb",
    multiple: 1,
  });
});

it("reads older files, whose size is a number and which scale without saying so", () => {
  const config = { size: 640, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
  expect(parse({ ...config, do_normalize: true, do_resize: true })).toMatchObject({
    resize: { size: [640, 640] },
    range: [0, 1],
    mean: [0.5, 0.5, 0.5],
  });
});

it("takes values as they are in the file without rescaling", () => {
  expect(parse({ do_resize: false, do_rescale: false }).range).toEqual([0, 255]);
  expect(parse({ do_resize: false, rescale_factor: 1 / 127.5 }).range).toEqual([0, 2]);
});

it("leaves out what is switched off", () => {
  const off = { ...segformer, do_resize: false, do_normalize: false, do_pad: null };
  const preprocessor = parse(off);
  expect(preprocessor.resize).toBeUndefined();
  expect(preprocessor.mean).toBeUndefined();
});

it("exchanges channels and pads to a multiple where the file asks for it", () => {
  const config = { do_resize: false, do_flip_channel_order: true, do_pad: true, size_divisor: 32 };
  expect(parse(config)).toMatchObject({ channelOrder: "bgr", multiple: 32 });
  expect(parse({ ...config, do_pad: false }).multiple).toBe(1);
});

describe("the shortest edge", () => {
  const preprocessor = parse({ size: { shortest_edge: 480, longest_edge: 800 } });
  it.each([
    [
      [600, 900],
      [480, 720],
    ],
    [
      [900, 600],
      [720, 480],
    ],
    [
      [300, 900],
      [267, 800],
    ],
  ] as const)("of %j becomes that of %j", (from, to) => {
    const [height, width] = resizeFor(preprocessor, from) as readonly [number, number];
    expect([height, width]).toEqual(to);
  });
});

it.each([
  ["do_center_crop", { ...segformer, do_center_crop: true, crop_size: 224 }],
  ["do_resize without size", { do_resize: true }],
  ["image_mean", { do_resize: false, do_normalize: true }],
  ["resample", { ...segformer, resample: 9 }],
  ["size", { ...segformer, size: { height: 512 } }],
  ["size", { ...segformer, size: { height: 512, width: -1 } }],
  ["image_std", { ...segformer, image_std: [0, 1, 1] }],
  ["offset", { ...segformer, offset: true }],
])("refuses %s by name", (name, config) => {
  expect(() => parse(config)).toThrow(
    expect.objectContaining({ code: "ERR_PREPROCESSOR", message: expect.stringContaining(name) }),
  );
});

it.each(["", "[]", "null", "{", '{"size": {"__proto__": 1}}'])("refuses %j", (text) => {
  expect(() => parsePreprocessor(text, "p.json")).toThrow(
    expect.objectContaining({ code: "ERR_PREPROCESSOR" }),
  );
});
