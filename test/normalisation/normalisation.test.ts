import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  disc,
  loadModel,
  readNpy,
  type LoadModelOptions,
  type ResultRecord,
} from "@onnx-asma/node";
import { golden } from "../support/golden-scene.ts";
import { writeNpyFile } from "../support/npy.ts";
import { temporaryFolder } from "../support/run-cli.ts";
import { runMain } from "../support/run-main.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const scene = path("scene.png");

/** What is doubtful about the prediction on an image. */
async function doubtsOf(
  file: string,
  options: LoadModelOptions = {},
  image = scene,
): Promise<readonly string[]> {
  const model = await loadModel(file, { threads: 1, ...options });
  try {
    return (await model.predict(await model.readImage(image))).notices ?? [];
  } finally {
    await model.release();
  }
}

const exports = ["legacy", "dynamo", "unfolded"];
const layers = (better: string) =>
  expect.stringMatching(
    new RegExp(
      `^The model seems to be made for other values .*leave \\d+ % of it, and \\d % with ${better}`,
    ),
  );
const imagenet = layers('`mean: "imagenet"`');
const oneClass = expect.stringMatching(/^The model draws one class only/);

describe("a network that was trained with ImageNet's normalisation", () => {
  it.each(exports)("is doubted without it, from the exporter %s", async (name) => {
    const file = path(`imagenet-${name}.onnx`);
    expect(await doubtsOf(file)).toEqual([imagenet, oneClass]);
    expect(await doubtsOf(file, { range: [0, 255] })).toContainEqual(imagenet);
    expect(await doubtsOf(file, { mean: "imagenet" })).toEqual([]);
    const { mean, std } = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    expect(await doubtsOf(file, { mean, std })).toEqual([]);
  });

  it("shows it by one class only where it had no batch normalisation", async () => {
    expect(await doubtsOf(path("imagenet-plain.onnx"))).toEqual([oneClass]);
    expect(await doubtsOf(path("imagenet-plain.onnx"), { mean: "imagenet" })).toEqual([]);
  });
});

describe("a network that was trained on values from 0 to 1", () => {
  it.each(exports)("is doubted with others, from the exporter %s", async (name) => {
    const file = path(`unit-${name}.onnx`);
    expect(await doubtsOf(file)).toEqual([]);
    expect(await doubtsOf(file, { mean: "unit" })).toEqual([]);
    const unit = layers('`mean: "unit"`');
    expect(await doubtsOf(file, { mean: "imagenet" })).toContainEqual(unit);
    expect(await doubtsOf(file, { mean: [0.5], std: [0.1] })).toContainEqual(unit);
    const alone = layers("`range: \\[0,1\\]`");
    expect(await doubtsOf(file, { range: [0, 255] })).toContainEqual(alone);
  });
});

describe("models that are fed right are not doubted", () => {
  const models = path("../../models/");

  it.each(["optic-disc", "optic-disc-4class", "optic-disc-robust"])("bundled: %s", async (name) => {
    const [file, image] = [join(models, `${name}.onnx`), join(models, "retina.jpg")];
    expect(await doubtsOf(file, {}, image)).toEqual([]);
    // Looked at although its metadata say how.
    expect(await doubtsOf(file, { range: [0, 1] }, image)).toEqual([]);
  });

  it.each([
    [golden("unet-legacy.onnx"), "two.image.npy"],
    [golden("unet-dynamo.onnx"), "two.image.npy"],
    [golden("unet3.onnx"), "three.image.npy"],
  ])("golden: %s", async (file, image) => {
    expect(await doubtsOf(file, {}, golden(`trajectories/${image}`))).toEqual([]);
  });

  it.each([
    "border-modes/dynamo",
    "keras-like/legacy",
    "r2unet/dynamo",
    "unet-softplus-tanh/legacy",
  ])("zoo: %s", async (name) => {
    const file = path(`../zoo/committed/${name}.onnx`);
    const normal = path(`../zoo/committed/${name.split("/")[0]}/image.npy`);
    const { data, dims } = await readNpy(normal);
    // Normal numbers, as an image of which black is −5 and white 5.
    const values = Float32Array.from(data as Float32Array, (x) => (x + 5) / 10);
    const image = writeNpyFile(temporaryFolder(), "image.npy", values, dims);
    const doubts = await doubtsOf(file, { range: [-5, 5] }, image);
    expect(doubts.filter((doubt) => !doubt.includes("one class only"))).toEqual([]);
  });
});

describe("numbers of bytes where white is 1", () => {
  it.each<[LoadModelOptions, string]>([
    [{ mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] }, "mean"],
    [{ std: [255] }, "std"],
  ])("%j", async (options, key) => {
    const said = expect.stringMatching(
      `^\`${key}\` is [\\d.]+.*, but white is 1 .*\`range: \\[0,255\\]\``,
    );
    expect(await doubtsOf(path("imagenet-legacy.onnx"), options)).toContainEqual(said);
    expect(
      await doubtsOf(path("imagenet-legacy.onnx"), { ...options, range: [0, 255] }),
    ).not.toContainEqual(said);
  });
});

describe("the doubts are said", () => {
  const file = path("imagenet-legacy.onnx");
  const text =
    /^The model seems to be made for other values .* with --mean imagenet\. .* say --mean imagenet,/m;

  it("by inspect, predict and attack, in words and as data", async () => {
    const out = join(temporaryFolder(), "out");
    for (const args of [
      ["inspect", file, scene],
      ["predict", file, scene, "-o", out],
      [
        "attack",
        file,
        scene,
        "-o",
        out,
        "--disc",
        "32,32,9",
        "--iterations",
        "1",
        "--threads",
        "1",
      ],
    ]) {
      const said = await runMain(args);
      expect({ args, said: said.stderr }).toEqual({ args, said: expect.stringMatching(text) });
      const again = await runMain([
        ...args,
        "--json",
        ...(args[0] === "inspect" ? [] : ["--force"]),
      ]);
      const { notices } = JSON.parse(again.stdout) as Pick<ResultRecord, "notices">;
      expect(notices).toContainEqual(imagenet);
      expect(new Set(notices).size).toBe(notices.length);
    }
    const right = await runMain(["inspect", file, scene, "--mean", "imagenet"]);
    expect(right.stderr).toBe(
      "--mean imagenet is black 0, white 1, then mean 0.485, 0.456, 0.406 and deviation 0.229, 0.224, 0.225.\n",
    );
    const own = await runMain(["inspect", file, scene, "--mean", "imagenet", "--std", "0.2"]);
    expect(own.stderr).toMatch(/and deviation 0\.2 as told\.$/m);
    expect(own.stdout).toContain("mean [0.485, 0.456, 0.406], std [0.2]");
    expect(right.stdout).toContain("mean [0.485, 0.456, 0.406], std [0.229, 0.224, 0.225]");
  });

  it("by the library, whether it predicted before or not", async () => {
    const model = await loadModel(file, { threads: 1 });
    const image = await model.readImage(scene);
    const target = disc([64, 64], [32, 32], 9);
    const { notices } = await (await model.attack(image, target, { iterations: 1 })).result;
    expect(notices).toEqual([imagenet, oneClass]);
    await model.release();
  });

  it("of the image that is attacked, not of another", async () => {
    const model = await loadModel(file, { threads: 1, mean: "imagenet" });
    const image = await model.readImage(scene);
    const black = { ...image, data: new Float32Array(image.data.length) };
    expect((await model.predict(black)).notices).toEqual([oneClass]);
    const target = disc([64, 64], [32, 32], 9);
    const { notices } = await (await model.attack(image, target, { iterations: 1 })).result;
    expect(notices).toEqual([]);
    await model.release();
  });

  it("by inspect without an image, where numbers alone tell", async () => {
    const { stderr } = await runMain(["inspect", file, "--mean", "123.675"]);
    expect(stderr).toMatch(/^--mean is 123\.675, but white is 1 .* --range 0,255/);
  });
});
