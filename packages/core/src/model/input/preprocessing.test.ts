import { expect, it } from "vitest";
import { planPreprocessing, type PreprocessingRequest } from "./preprocessing.ts";

const request: PreprocessingRequest = {
  imageSize: [408, 408],
  channels: 3,
  layout: "NCHW",
  inputSize: [572, 572],
};
const modelPadding = { pixels: 82, mode: "edge" } as const;

it("pads as the model's metadata say, without resizing an image that fits then", () => {
  expect(planPreprocessing({ ...request, modelPadding })).toMatchObject({
    resizedSize: [408, 408],
    padding: [82, 82, 82, 82],
    paddingMode: "edge",
  });
});

it("leaves an image of the input's size alone", () => {
  expect(planPreprocessing({ ...request, modelPadding, imageSize: [572, 572] })).toMatchObject({
    resizedSize: [572, 572],
    padding: [0, 0, 0, 0],
  });
});

it("resizes to the input's size otherwise", () => {
  expect(planPreprocessing(request).resizedSize).toEqual([572, 572]);
});

it.each([
  ["a resize that misses the input", { resize: [300, 300] as const }],
  ["padding that fills the whole input", { padding: { pixels: 286 } }],
  [
    "reflection of more pixels than there are",
    { inputSize: undefined, padding: { pixels: 500, mode: "reflect" as const } },
  ],
  [
    "padding that leaves nothing for the image",
    { padding: { pixels: 300, mode: "reflect" as const } },
    /leaves room for the image in an input of 572×572 pixels but `padding` is \[300, /,
  ],
  ["two means for three channels", { mean: [0.5, 0.5] }],
  ["a standard deviation of 0", { std: [0] }],
  ["an empty range", { range: [1, 1] as const }],
])("refuses %s", (_, part, text = /./) => {
  const refused = () => planPreprocessing({ ...request, ...part });
  expect(refused).toThrow(expect.objectContaining({ code: "ERR_PREPROCESSING" }));
  expect(refused).toThrow(text);
});
