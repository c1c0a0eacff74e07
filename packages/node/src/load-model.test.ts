import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { disc } from "@onnx-asma/core/targets";
import { unet } from "../../../test/support/golden-scene.ts";
import { feed } from "./cli/parsers.ts";
import { readFeeds } from "./cli/read-feeds.ts";
import { writeNpy } from "./images/npy.ts";
import { loadModel } from "./load-model.ts";
import type { LoadedModel } from "./loaded-model.ts";

const coded = (code: string, message: RegExp) =>
  expect.objectContaining({ name: "AsmaError", code, message: expect.stringMatching(message) });

describe("options that are none, or of another kind, are refused by name", () => {
  it.each<[object, RegExp]>([
    [{ means: [0.5] }, /option of loadModel but found 'means': it has input, /],
    [{ outputkind: "logits" }, /found 'outputkind'/],
    [
      { mean: "0.5" },
      /Expected a list of numbers, one .* one of unit, signed, bytes, imagenet for `mean` of loadModel but found "0\.5"\.$/,
    ],
    [{ mean: 0.5 }, /for `mean`/],
    [{ std: [1, "2"] }, /for `std`/],
    [{ range: [0, Number.NaN] }, /for `range`/],
    [{ outputKind: "sigmoid" }, /for `outputKind`.*probability/],
    [{ layout: "NCWH" }, /for `layout`/],
    [{ dims: { image: "1,3,4,4" } }, /for `dims`/],
    [{ classes: "a,b" }, /for `classes`/],
    [{ padding: 5 }, /for `padding`/],
    [{ padding: { pixel: 5 } }, /for `padding`/],
    [{ border: "0.5" }, /for `border`/],
    [{ border: Infinity }, /Expected a finite number for `border`.* found Infinity: a number\.$/],
    [{ class: 0.5 }, /for `class`/],
    [{ threads: 1.5 }, /Expected a whole number for `threads`/],
    [{ preprocessor: 3 }, /for `preprocessor`/],
    [{ sessionOptions: "cpu" }, /for `sessionOptions`/],
    [{ feeds: { step: "1" } }, /for `feeds`/],
    [{ batch: 2 }, /found 'batch'/],
  ])("%j", async (options, message) => {
    await expect(loadModel(unet, options as never)).rejects.toEqual(coded("ERR_OPTION", message));
  });

  it.each([[null], [3], ["x"], [[]]])("%j in place of the options", async (options) => {
    await expect(loadModel(unet, options as never)).rejects.toEqual(
      coded("ERR_OPTION", /options of loadModel as an object/),
    );
  });

  it.each([undefined, null, 3, new Uint8Array(3), {}])("%s in place of a model", async (source) => {
    await expect(loadModel(source as never)).rejects.toEqual(
      coded("ERR_MODEL_UNREADABLE", /path of an ONNX file/),
    );
  });
});

describe("what a loaded model is asked for", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(unet);
  });
  afterAll(async () => await model.release());

  it.each([64, "64", null, {}, [64, "64"], [0, 4]])("describe(%j)", async (size) => {
    await expect(model.describe(size as never)).rejects.toEqual(coded("ERR_IMAGE_DIMS", /size/));
  });

  it.each<[unknown, RegExp]>([
    [{ iou: 0.5 }, /option of verify but found .iou.: it has .*original/],
    [undefined, /original/],
    [{}, /original/],
  ])("verify with %j", async (options, message) => {
    const image = { data: new Float32Array(3 * 92 * 92), dims: [1, 3, 92, 92] as const };
    const verify = model.verify(image, disc([92, 92], [40, 40], 9), options as never);
    await expect(verify).rejects.toEqual(coded("ERR_OPTION", message));
  });
});

describe("--feed", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "feeds-"));
    await writeNpy(join(folder, "points.npy"), { data: Float32Array.of(1, 2), dims: [1, 2] });
    await writeFile(join(folder, "broken.npy"), "text");
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  it("takes numbers and arrays, each by the name of its input", async () => {
    const given = feed(`points=${join(folder, "points.npy")}`, feed("a=b=0.5"));
    expect(await readFeeds(given)).toEqual({
      "a=b": 0.5,
      points: { data: Float32Array.of(1, 2), dims: [1, 2] },
    });
    expect(await readFeeds(undefined)).toBeUndefined();
  });

  it.each(["step", "=1", "step=", "step=one", "step=x.png"])("refuses %s", (text) => {
    expect(() => feed(text)).toThrow(/Expected NAME=NUMBER or NAME=FILE\.npy/);
  });

  it("names a file that is none", async () => {
    await expect(readFeeds({ a: join(folder, "broken.npy") })).rejects.toEqual(
      coded("ERR_IMAGE_UNREADABLE", /broken\.npy/),
    );
  });
});
