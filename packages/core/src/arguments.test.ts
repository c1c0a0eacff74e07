import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import type { Runtime } from "@onnx-asma/autodiff";
import { build, conv } from "../../../test/support/segmentation-models.ts";
import {
  confusionMatrix,
  fitTarget,
  iou,
  judge,
  parseChoice,
  perturbationNorms,
  pixelAccuracy,
  registerAttack,
  SegmentationModel,
} from "./index.ts";
import { toSamples } from "./samples.ts";
import { checkGoal, disc, hideClass, moveForeground, rectangle } from "./targets/index.ts";
import { encodePng } from "./png/index.ts";
import { encodeNpy, imageFromNpy, parseNpy } from "./npy/index.ts";

const bytes = build([1, 3, 4, 4], (b, x) => ({ out: conv(b, x, 2, [0, 0]) }));
const model = await SegmentationModel.load(ort as Runtime, bytes);
const { description } = model;

const labels = { data: new Int32Array(16), dims: [4, 4] as const };
const image = { data: new Float32Array(48), dims: [1, 3, 4, 4] as const };
const thresholds = { iou: 0.9, pixelAccuracy: 0 };
const verdict = {
  prediction: labels,
  target: labels,
  image,
  original: image,
  iouDefinition: "foreground" as const,
  classes: 2,
  thresholds,
};

/** Calls as a caller without types may make them, and the code of the error. */
const calls: Record<string, [call: (wrong: never) => unknown, [wrong: unknown, code: string][]]> = {
  checkImage: [
    (wrong) => model.checkImage(wrong),
    [
      [undefined, "ERR_ARRAY_DTYPE"],
      [image.data, "ERR_ARRAY_DTYPE"],
      [{ ...image, data: [...image.data] }, "ERR_ARRAY_DTYPE"],
      [{ ...image, data: new Uint8Array(48) }, "ERR_ARRAY_DTYPE"],
      [{ data: image.data }, "ERR_ARRAY_SHAPE"],
      [{ ...image, dims: "1,3,4,4" }, "ERR_ARRAY_SHAPE"],
      [{ ...image, dims: [3, 4, 4] }, "ERR_ARRAY_SHAPE"],
      [{ ...image, data: new Float32Array(47) }, "ERR_IMAGE_DIMS"],
    ],
  ],
  fitTarget: [
    (wrong) => fitTarget(wrong, description),
    [
      [null, "ERR_ARRAY_DTYPE"],
      [{ ...labels, data: new Float32Array(16) }, "ERR_ARRAY_DTYPE"],
      [{ ...labels, dims: [4, 5] }, "ERR_ARRAY_SHAPE"],
      [{ data: new Int32Array(25), dims: [5, 5] }, "ERR_TARGET_SIZE"],
    ],
  ],
  hideClass: [
    (wrong) => hideClass(labels, wrong),
    [
      [undefined, "ERR_TARGET_CLASS"],
      ["1", "ERR_TARGET_CLASS"],
      [-1, "ERR_TARGET_CLASS"],
    ],
  ],
  "hideClass of": [(wrong) => hideClass(wrong, 1), [[undefined, "ERR_ARRAY_DTYPE"]]],
  moveForeground: [
    (wrong) => moveForeground(labels, wrong),
    [
      [{ shift: 3 }, "ERR_OPTION"],
      [{ rotate: "90" }, "ERR_OPTION"],
      [{ scale: 0 }, "ERR_OPTION"],
      [{ shfit: [1, 1] }, "ERR_OPTION"],
      [3, "ERR_OPTION"],
    ],
  ],
  "moveForeground of": [(wrong) => moveForeground(wrong, {}), [["labels", "ERR_ARRAY_DTYPE"]]],
  "disc in": [
    (wrong) => disc(wrong, [1, 1], 1),
    [
      [undefined, "ERR_TARGET_SIZE"],
      [4, "ERR_TARGET_SIZE"],
      [[4], "ERR_TARGET_SIZE"],
      [[4, Number.NaN], "ERR_TARGET_SIZE"],
    ],
  ],
  "disc at": [
    (wrong) => disc([4, 4], wrong, 1),
    [
      [undefined, "ERR_TARGET_SIZE"],
      [["1", "2"], "ERR_TARGET_SIZE"],
    ],
  ],
  "disc of": [
    (wrong) => disc([4, 4], [1, 1], wrong),
    [
      [undefined, "ERR_TARGET_SIZE"],
      [0, "ERR_TARGET_SIZE"],
      [-1, "ERR_TARGET_SIZE"],
    ],
  ],
  rectangle: [
    (wrong) => rectangle([4, 4], wrong),
    [
      [undefined, "ERR_TARGET_SIZE"],
      [[0, 0, 1], "ERR_TARGET_SIZE"],
      [[0, 0, 0, 2], "ERR_TARGET_SIZE"],
      [[0, 0, 2, -1], "ERR_TARGET_SIZE"],
    ],
  ],
  "rectangle of class": [
    (wrong) => rectangle([4, 4], [0, 0, 1, 1], wrong),
    [["disc", "ERR_TARGET_CLASS"]],
  ],
  confusionMatrix: [
    (wrong) => confusionMatrix(labels, labels, wrong),
    [
      [undefined, "ERR_CLASSES"],
      [0, "ERR_CLASSES"],
    ],
  ],
  "confusionMatrix of": [
    (wrong) => confusionMatrix(wrong, labels, 2),
    [
      [undefined, "ERR_ARRAY_DTYPE"],
      [{ data: new Int32Array(4), dims: [2, 2] }, "ERR_TARGET_SIZE"],
    ],
  ],
  iou: [
    (wrong) => iou([[1]], wrong),
    [
      ["mean", "ERR_IOU_DEFINITION"],
      ["foreground", "ERR_IOU_DEFINITION"],
    ],
  ],
  "iou of": [
    (wrong) => iou(wrong, "mean-present"),
    [
      [undefined, "ERR_CLASSES"],
      [[], "ERR_CLASSES"],
      [[[1, 2]], "ERR_CLASSES"],
    ],
  ],
  pixelAccuracy: [(wrong) => pixelAccuracy(wrong), [[{}, "ERR_CLASSES"]]],
  perturbationNorms: [
    (wrong) => perturbationNorms(image, wrong),
    [
      [undefined, "ERR_ARRAY_DTYPE"],
      [{ data: new Float32Array(16), dims: [1, 1, 4, 4] }, "ERR_IMAGE_DIMS"],
      [{ ...image, data: new Float32Array(4) }, "ERR_ARRAY_SHAPE"],
    ],
  ],
  judge: [
    (wrong) => judge({ ...verdict, thresholds: wrong }),
    [
      [undefined, "ERR_JUDGE"],
      [{ iou: 0.5 }, "ERR_JUDGE"],
      [{ iou: 95, pixelAccuracy: 0 }, "ERR_JUDGE"],
    ],
  ],
  toSamples: [
    (wrong) => toSamples(wrong, 256),
    [
      [undefined, "ERR_ARRAY_DTYPE"],
      [{ ...image, data: new Float32Array(4) }, "ERR_ARRAY_SHAPE"],
    ],
  ],
  encodeNpy: [
    (wrong) => encodeNpy(wrong),
    [
      [undefined, "ERR_ARRAY_DTYPE"],
      [{ data: [1, 2], dims: [2] }, "ERR_ARRAY_DTYPE"],
      [{ data: new Float32Array(2) }, "ERR_ARRAY_SHAPE"],
      [{ data: new Float32Array(2), dims: [3] }, "ERR_ARRAY_SHAPE"],
    ],
  ],
  parseNpy: [
    (wrong) => parseNpy(wrong, "a.npy"),
    [
      [undefined, "ERR_IMAGE_UNREADABLE"],
      [new ArrayBuffer(200), "ERR_IMAGE_UNREADABLE"],
    ],
  ],
  imageFromNpy: [
    (wrong) => imageFromNpy(encodeNpy(image), "a.npy", wrong),
    [
      [{ channels: 0 }, "ERR_OPTION"],
      [{ channels: 3, maxPixels: Number.NaN }, "ERR_OPTION"],
      [{ chanels: 3 }, "ERR_OPTION"],
      [null, "ERR_OPTION"],
    ],
  ],
  "imageFromNpy without channels": [
    (wrong) => imageFromNpy(encodeNpy({ data: new Float32Array(9), dims: wrong }), "a.npy"),
    [
      [[3, 1, 3], "ERR_OPTION"],
      [[9, 1, 1, 1], "ERR_ARRAY_SHAPE"],
    ],
  ],
  encodePng: [
    (wrong) => encodePng(image, wrong),
    [
      [{ level: 256 }, "ERR_OPTION"],
      [{ levels: 300 }, "ERR_OPTION"],
      [256, "ERR_OPTION"],
    ],
  ],
  "encodePng of": [(wrong) => encodePng(wrong), [[undefined, "ERR_ARRAY_DTYPE"]]],
  checkGoal: [
    (wrong) => checkGoal(wrong),
    [
      [undefined, "ERR_ARRAY_DTYPE"],
      [{ prediction: labels, target: labels }, "ERR_OPTION"],
      [{ prediction: labels, target: labels, description }, "ERR_OPTION"],
    ],
  ],
  parseChoice: [
    (wrong) => parseChoice(wrong),
    [
      [undefined, "ERR_OPTION"],
      ["pgd", "ERR_OPTION"],
      [{ iou: 0.9 }, "ERR_OPTION"],
      [{ attack: "fgsm" }, "ERR_ATTACK"],
    ],
  ],
  registerAttack: [
    (wrong) => registerAttack(wrong),
    [
      [undefined, "ERR_ATTACK"],
      [{ name: "mine" }, "ERR_ATTACK"],
    ],
  ],
};

const table = Object.entries(calls).flatMap(([name, [call, wrongs]]) =>
  wrongs.map(([wrong, code]) => ({ name, call, wrong, code })),
);

it.each(table)("$name refuses $wrong by $code", ({ call, wrong, code }) => {
  expect(() => call(wrong as never)).toThrow(expect.objectContaining({ name: "AsmaError", code }));
});

it.each([
  [undefined, undefined, "ERR_MODEL_UNREADABLE"],
  [bytes.buffer, undefined, "ERR_MODEL_UNREADABLE"],
  ["model.onnx", undefined, "ERR_MODEL_UNREADABLE"],
  [bytes, 4, "ERR_IMAGE_DIMS"],
  [bytes, [4, 0], "ERR_IMAGE_DIMS"],
])("a model does not load from %s for images of %s", async (file, size, code) => {
  const load = SegmentationModel.load(ort as Runtime, file as never, size as never);
  await expect(load).rejects.toMatchObject({ name: "AsmaError", code });
});

it("takes what is right", async () => {
  expect(judge(verdict).reached).toBe(true);
  expect((await model.predict(image)).dims).toEqual([4, 4]);
  for (const options of [{ channels: 3 }, {}, undefined]) {
    expect(imageFromNpy(encodeNpy(image), "a.npy", options).dims).toEqual([1, 3, 4, 4]);
  }
  const grey = encodeNpy({ data: new Float32Array(6), dims: [2, 3] });
  expect(imageFromNpy(grey, "a.npy").dims).toEqual([1, 1, 2, 3]);
  const last = encodeNpy({ data: new Float32Array(12), dims: [2, 2, 3] });
  expect(imageFromNpy(last, "a.npy").dims).toEqual([1, 3, 2, 2]);
  expect(parseChoice({}).definition.name).toBe("asma");
});
