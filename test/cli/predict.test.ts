import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readNpyValues, toPlanes, unet, writeImage } from "../support/golden-scene.ts";
import { writeNpyFile } from "../support/npy.ts";
import { decodePng } from "../support/png.ts";
import { namesIn, saveModel, temporaryFolder } from "../support/run-cli.ts";
import { runMain } from "../support/run-main.ts";
import { multiLabelModel, volumeModel } from "../support/segmentation-models.ts";

interface Prediction {
  readonly model: { readonly file: string; readonly sha256: string };
  readonly image: {
    readonly file: string;
    readonly sha256: string;
    readonly dims: readonly number[];
  };
  readonly classes: readonly {
    readonly name: string;
    readonly pixels: number;
    readonly share: number;
  }[];
  readonly labels: { readonly file: string };
  readonly scores: {
    readonly dims: readonly number[];
    readonly are: string;
    readonly otherPixels: number;
  };
  readonly slice?: { readonly index: number };
  readonly files: readonly string[];
}

async function predicted(args: readonly string[]): Promise<Prediction> {
  const { code, stdout, stderr } = await runMain([...args, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Prediction;
}

const files = ["colours.png", "labels.png", "prediction.json", "scores.npy"];

describe("predict", () => {
  it("writes labels, colours and the model's own scores", async () => {
    const folder = temporaryFolder();
    const [image, out] = [writeImage(folder), join(folder, "out")];
    const args = ["predict", unet, image, "-o", out, "--classes", "ground,cell"];
    const { code, stdout } = await runMain(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/the model draws ground [\d.]+ %, cell [\d.]+ % \(\d+ px\)\./);
    expect(stdout).toContain("scores.npy, float32 [2, 52, 52]: the values of 'logits'");
    expect(namesIn(out)).toEqual(files);
    // The model's file in a session of its own, on the pixels as they are in the file.
    const pixels = toPlanes(decodePng(readFileSync(image)).data as Uint8Array, 3);
    const session = await ort.InferenceSession.create(unet);
    const { logits } = await session.run({
      image: new ort.Tensor("float32", pixels, [1, 3, 92, 92]),
    });
    const expected = logits?.data as Float32Array;
    const scores = readNpyValues(join(out, "scores.npy"));
    expect(scores.length).toBe(2 * 52 * 52);
    scores.forEach((score, i) => expect(score).toBeCloseTo(expected[i] as number, 4));
    const labels = decodePng(readFileSync(join(out, "labels.png"))).data as Uint8Array;
    const largest = Array.from({ length: 52 * 52 }, (_, i) =>
      (expected[i] as number) < (expected[52 * 52 + i] as number) ? 1 : 0,
    );
    expect([...labels]).toEqual(largest);
    const colours = decodePng(readFileSync(join(out, "colours.png")));
    const rgb = colours.data as Uint8Array;
    expect(colours).toMatchObject({ width: 52, height: 52, channels: 3 });
    expect(
      new Set(largest.map((label, i) => `${label} ${rgb.slice(3 * i, 3 * i + 3).join()}`)).size,
    ).toBe(2);
    const record = JSON.parse(readFileSync(join(out, "prediction.json"), "utf8")) as Prediction;
    const count = largest.filter((label) => label === 1).length;
    expect(record.classes[1]).toEqual({
      class: 1,
      name: "cell",
      pixels: count,
      share: count / 2704,
    });
    expect(record).toMatchObject({
      model: { file: "unet-legacy.onnx", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      image: { file: "image.png", dims: [1, 3, 92, 92] },
      scores: { dims: [2, 52, 52], otherPixels: 0 },
    });
    expect(record.files.toSorted()).toEqual(files);
  });

  it("overwrites nothing unless it is told to", async () => {
    const folder = temporaryFolder();
    const args = ["predict", unet, writeImage(folder), "-o", join(folder, "out")];
    const object = await predicted(args);
    expect(object.labels).toEqual({ file: "labels.png" });
    const { code, stderr } = await runMain(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERR_RESULTS_EXIST .*labels\.png, .*--force/);
    expect((await runMain([...args, "--force"])).code).toBe(0);
  });

  it("writes volumes as arrays, and shows the slice with most in it", async () => {
    const { folder, path } = saveModel(volumeModel([4, 8, 8]));
    const out = join(folder, "out");
    const data = Float32Array.from({ length: 256 }, (_, i) =>
      Math.floor(i / 64) === 2 && i % 3 === 0 ? 1 : 0.1,
    );
    const image = writeNpyFile(folder, "volume.npy", data, [1, 4, 8, 8]);
    const object = await predicted(["predict", path, image, "-o", out]);
    expect(namesIn(out)).toEqual(["colours.png", "labels.npy", "prediction.json", "scores.npy"]);
    expect(object.scores.dims).toEqual([2, 4, 8, 8]);
    expect(decodePng(readFileSync(join(out, "colours.png")))).toMatchObject({
      width: 8,
      height: 8,
    });
    const labels = new Int32Array(
      Uint8Array.from(readFileSync(join(out, "labels.npy")).subarray(-1024)).buffer,
    );
    const counts = [0, 1, 2, 3].map(
      (z) => labels.slice(64 * z, 64 * (z + 1)).filter((n) => n !== 0).length,
    );
    expect(object.slice?.index).toBe(counts.indexOf(Math.max(...counts)));
    expect(object.classes.map(({ pixels }) => pixels)[1]).toBe(counts.reduce((a, b) => a + b));
  });

  it("says what the scores of one independent channel are", async () => {
    const { folder, path } = saveModel(multiLabelModel(16, 16));
    const pixels = Float32Array.from({ length: 768 }, (_, i) => (i % 17) / 17);
    const image = writeNpyFile(folder, "image.npy", pixels, [3, 16, 16]);
    const args = ["predict", path, image, "-o", join(folder, "out"), "--class", "cup"];
    const object = await predicted([...args, "--classes", "disc,cup,vessel"]);
    expect(object.classes.map(({ name }) => name)).toEqual(["not cup", "cup"]);
    expect(object.scores.are).toBe(
      "[−z, z] / 2, where z is channel 1 of 'Conv_output' minus its border 0",
    );
    const scores = readNpyValues(join(folder, "out", "scores.npy"));
    for (let i = 0; i < 256; i++) {
      expect(scores[i]).toBe(-(scores[256 + i] as number));
    }
  });
});

describe("attack", () => {
  it("shows the clean prediction before it refuses a target", async () => {
    const folder = temporaryFolder();
    const image = writeImage(folder);
    const args = ["attack", unet, image, "--disc", "5,5,2", "-o", join(folder, "out")];
    const { code, stderr } = await runMain(args);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^On the untouched image the model draws class 0 .*\nERR_TARGET_EMPTY/);
    expect((await runMain([...args, "--quiet"])).stderr).toMatch(/^ERR_TARGET_EMPTY/);
  });
});
