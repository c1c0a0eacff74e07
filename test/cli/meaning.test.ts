import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readMask, type ResultRecord } from "@onnx-asma/node";
import { readNpyValues, toPlanes, writePng } from "../support/golden-scene.ts";
import { iouOf } from "../support/iou-of.ts";
import { writeNpyFile } from "../support/npy.ts";
import { decodePng } from "../support/png.ts";
import { expectFailure, filesOf, namesIn, runCli, runJson, saveModel } from "../support/run-cli.ts";
import {
  channelsLastModel,
  colouredModel,
  multiLabelModel,
  multipleOfFourModel,
  queryModel,
  volumeModel,
  build,
  conv,
} from "../support/segmentation-models.ts";

const side = 16;
const pixels = side * side;
type Outputs = Readonly<Record<string, ArrayLike<number>>>;

/** A picture of squares of 4 × 4 pixels. */
const squares = (seed: number) =>
  Uint8Array.from({ length: 3 * pixels }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [y, x] = [Math.floor(pixel / side), pixel % side];
    return (
      ((Math.floor(y / 4) * 4 + Math.floor(x / 4)) * seed * (1 + (i % 3)) + (i % 3) * 90) % 256
    );
  });

const noise = (count: number, seed: number) =>
  Uint8Array.from({ length: count }, (_, i) => (i * seed + i * i * 7) % 251);

function largest(at: (c: number, i: number) => number, classes: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const scores = Array.from({ length: classes }, (__, c) => at(c, i));
    return scores.indexOf(Math.max(...scores));
  });
}

async function runModel(
  model: Uint8Array,
  data: Float32Array,
  dims: readonly number[],
): Promise<Outputs> {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const name = session.inputNames[0] as string;
  const results = await session.run({ [name]: new ort.Tensor("float32", data, dims) });
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([key, tensor]) => [key, tensor.data as ArrayLike<number>]),
  );
}

const nchw = [1, 3, side, side];

/** Models, and how their untouched output is read by hand. */
const cases: {
  name: string;
  model: Uint8Array;
  flags?: string[];
  classes: number;
  channelsLast?: boolean;
  labels: (outputs: Outputs) => number[];
}[] = [
  {
    name: "channels last",
    model: channelsLastModel(side, side),
    classes: 3,
    channelsLast: true,
    labels: ({ scores }) => largest((c, i) => scores?.[3 * i + c] as number, 3, pixels),
  },
  {
    name: "queries",
    model: queryModel(side, side),
    classes: 3,
    labels: ({ class_queries_logits: logits = [], masks_queries_logits: masks = [] }) => {
      const count = pixels / 4;
      const softmax = Array.from({ length: 5 }, (_, q) => {
        const e = [0, 1, 2, 3].map((k) => Math.exp(logits[4 * q + k] as number));
        return e.map((v) => v / e.reduce((a, w) => a + w, 0));
      });
      return largest(
        (k, i) =>
          softmax.reduce(
            (sum, p, q) =>
              sum + (p[k] as number) / (1 + Math.exp(-(masks[q * count + i] as number))),
            0,
          ),
        3,
        count,
      );
    },
  },
  {
    name: "independent channels",
    model: multiLabelModel(side, side),
    flags: ["--class", "1"],
    classes: 2,
    labels: ({ probabilities: p }) =>
      Array.from({ length: pixels }, (_, i) => ((p?.[pixels + i] as number) > 0.5 ? 1 : 0)),
  },
  {
    name: "a map of colours",
    model: colouredModel(side, side),
    classes: 3,
    labels: ({ out = [] }) =>
      Array.from({ length: pixels }, (_, i) =>
        out[i] === 255 ? 1 : out[2 * pixels + i] === 255 ? 2 : 0,
      ),
  },
];

/** Attacks one image so that the model predicts what it does for the other. */
async function attackTowards(
  path: string,
  [image, other]: readonly [string, string],
  flags: readonly string[],
) {
  const out = join(dirname(path), "out");
  const args = ["attack", path, image, "-o", out, "--target-image", other, ...flags];
  return { ...(await runJson<ResultRecord>(args)), out };
}

describe.each(cases)(
  "attack on a model with $name",
  ({ model, flags = [], classes, channelsLast, labels }) => {
    it("is judged by the untouched model on the saved file", async () => {
      const { folder, path } = saveModel(model);
      const image = writePng(folder, "image.png", side, 3, squares(31));
      const other = writePng(folder, "other.png", side, 3, squares(57));
      const { code, stderr, object, out } = await attackTowards(
        path,
        [image, other],
        ["--iterations", "200", "--iou", "0.7", ...flags],
      );
      expect({ code, stderr }).toEqual({ code: object.reached ? 0 : 3, stderr: "" });
      const read = async (file: string) => {
        const interleaved = decodePng(readFileSync(file)).data;
        const data = channelsLast
          ? Float32Array.from(interleaved, (v) => v / 255)
          : toPlanes(interleaved, 3);
        return labels(await runModel(model, data, channelsLast ? [1, side, side, 3] : nchw));
      };
      const target = decodePng(readFileSync(join(out, "target.png"))).data;
      expect([...(target as Uint8Array)]).toEqual(await read(other));
      const found = iouOf(await read(join(out, "adversarial.png")), target, classes);
      expect(object.saved.iou).toBeCloseTo(found, 6);
      expect(found).toBeGreaterThan(iouOf(await read(image), target, classes));
    });
  },
);

describe("a volume", () => {
  const size = [4, 10, 12] as const;
  const count = 4 * 10 * 12;
  const model = volumeModel(size);
  const data = noise(count, 31);
  /** A box of foreground in the second and third slice. */
  const mask = Uint8Array.from({ length: count }, (_, i) => {
    const [z, y, x] = [Math.floor(i / 120), Math.floor(i / 12) % 10, i % 12];
    return z > 0 && z < 3 && y > 2 && y < 8 && x > 2 && x < 9 ? 1 : 0;
  });

  async function attackVolume(
    values: Uint8Array | Float32Array,
    flags: (folder: string) => readonly string[],
  ) {
    const { folder, path } = saveModel(model);
    const image = writeNpyFile(folder, "volume.npy", values, size);
    const out = join(folder, "out");
    const args = ["attack", path, image, "-o", out, ...flags(folder)];
    return { ...(await runJson<ResultRecord>(args)), out };
  }

  async function labelsOf(out: string): Promise<number[]> {
    const saved = readNpyValues(join(out, "adversarial.npy"));
    const planes = saved instanceof Uint8Array ? Float32Array.from(saved, (v) => v / 255) : saved;
    const { scores = [] } = await runModel(model, planes, [1, 1, ...size]);
    return largest((c, i) => scores[c * count + i] as number, 2, count);
  }

  it("of bytes is saved as bytes, and judged on them", async () => {
    const { code, stderr, object, out } = await attackVolume(data, (folder) => [
      "--target",
      writeNpyFile(folder, "mask.npy", mask, size),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readNpyValues(join(out, "adversarial.npy"))).toBeInstanceOf(Uint8Array);
    expect(object.saved.iou).toBeCloseTo(iouOf(await labelsOf(out), mask, 2), 6);
    expect(object.saved.iou).toBeGreaterThanOrEqual(0.95);
    expect(object).toMatchObject({
      savedFile: "adversarial.npy",
      image: { dims: [1, 1, ...size], bitDepth: 8 },
      pictures: { slice: { of: 4, because: "most pixels changed their label here" } },
    });
    expect(namesIn(out)).toEqual(filesOf(object));
    expect(filesOf(object)).toContain("target.npy");
    expect(filesOf(object)).not.toContain("adversarial.png");
    // Pictures show the slice named.
    expect(decodePng(readFileSync(join(out, "prediction-after.png")))).toMatchObject({
      width: 12,
      height: 10,
    });
  });

  it("of floats takes a ball as target, and says which slice is shown", async () => {
    const floats = Float32Array.from(data, (v) => v / 255);
    const { code, object, out } = await attackVolume(floats, () => ["--disc", "2,5,6,3"]);
    expect(code).toBe(0);
    expect(readNpyValues(join(out, "adversarial.npy"))).toBeInstanceOf(Float32Array);
    const ball = Uint8Array.from({ length: count }, (_, i) => {
      const [z, y, x] = [Math.floor(i / 120), Math.floor(i / 12) % 10, i % 12];
      return (z - 1.5) ** 2 + (y - 4.5) ** 2 + (x - 5.5) ** 2 <= 9 ? 1 : 0;
    });
    expect(object.saved.iou).toBeCloseTo(iouOf(await labelsOf(out), ball, 2), 6);
    const again = await attackVolume(floats, () => ["--hide", "1", "--iterations", "300"]);
    expect(again.object.target["pixelsPerClass"]).toEqual([count, 0]);
  });

  it("needs a volume, a mask and a shape of three axes", async () => {
    const { folder, path } = saveModel(model);
    const image = writePng(folder, "image.png", side, 1, noise(pixels, 31));
    const volume = writeNpyFile(folder, "volume.npy", data, size);
    const out = join(folder, "out");
    const fails = (file: string, flags: readonly string[], code: string) =>
      expectFailure(["attack", path, file, "-o", out, ...flags], { exit: 1, code });
    expect(await fails(image, ["--hide", "1"], "ERR_ARRAY_SHAPE")).toContain("is a picture");
    expect(await fails(volume, ["--target", image], "ERR_ARRAY_SHAPE")).toContain("[D, H, W]");
    expect(await fails(volume, ["--disc", "2,3,4"], "ERR_TARGET_SIZE")).toContain(
      "Expected 3 numbers",
    );
    expect(namesIn(folder)).not.toContain("out");
  });
});

it("attacks an image of six channels as .npy", async () => {
  const model = build([1, 6, side, side], (b, x) => ({ scores: conv(b, x, 2, [0, 0.4]) }));
  const { folder, path } = saveModel(model);
  const image = writeNpyFile(folder, "a.npy", noise(6 * pixels, 31), [6, side, side]);
  const other = writeNpyFile(folder, "b.npy", noise(6 * pixels, 57), [6, side, side]);
  const flags = ["--iterations", "60"];
  const { stderr, object, out } = await attackTowards(path, [image, other], flags);
  expect(stderr).toBe("");
  const saved = Float32Array.from(readNpyValues(join(out, "adversarial.npy")), (v) => v / 255);
  const { scores = [] } = await runModel(model, saved, [1, 6, side, side]);
  const target = decodePng(readFileSync(join(out, "target.png"))).data;
  const labels = largest((c, i) => scores[c * pixels + i] as number, 2, pixels);
  expect(object.saved.iou).toBeCloseTo(iouOf(labels, target, 2), 6);
});

it("leaves an image of floats as it is, where the file decides", async () => {
  const model = build(nchw, (b, x) => ({ scores: conv(b, x, 2, [0, 0.4]) }));
  const { folder, path } = saveModel(model);
  const floats = (seed: number) => Float32Array.from(noise(3 * pixels, seed), (v) => v / 251);
  const image = writeNpyFile(folder, "a.npy", floats(31), [3, side, side]);
  const other = writeNpyFile(folder, "b.npy", floats(57), [3, side, side]);
  const { object, out } = await attackTowards(path, [image, other], ["--iterations", "60"]);
  expect(object).toMatchObject({ savedFile: "adversarial.npy", options: { levels: "float" } });
  expect(namesIn(out)).not.toContain("adversarial.png");
  const saved = readNpyValues(join(out, "adversarial.npy")) as Float32Array;
  const { scores = [] } = await runModel(model, saved, nchw);
  const target = decodePng(readFileSync(join(out, "target.png"))).data;
  const labels = largest((c, i) => scores[c * pixels + i] as number, 2, pixels);
  expect(object.saved.iou).toBeCloseTo(iouOf(labels, target, 2), 6);
});

it("saves a target of more than 256 classes, and what stands for ignored pixels", async () => {
  const classes = 300;
  const bias = Array.from({ length: classes }, (_, c) => Math.cos(c));
  const model = build(nchw, (b, x) => ({ scores: conv(b, x, classes, bias) }));
  const { folder, path } = saveModel(model);
  const image = writePng(folder, "image.png", side, 3, squares(31));
  // 255 is a class here, 999 is none.
  const labels = Uint16Array.from(
    { length: pixels },
    (_, i) => [299, 255, 0, 999][i % 4] as number,
  );
  const mask = writeNpyFile(folder, "mask.npy", labels, [side, side]);
  const out = join(folder, "out");
  const flags = ["--target", mask, "--ignore-label", "999", "--iterations", "2"];
  const { object } = await runJson<ResultRecord>(["attack", path, image, "-o", out, ...flags]);
  expect(object.target).toMatchObject({
    file: "target.png",
    ignoredPixels: pixels / 4,
    ignoredAs: 65_535,
  });
  const written = await readMask(join(out, "target.png"), { classes, ignoreLabel: 65_535 });
  expect([...written.data]).toEqual(Array.from(labels, (l) => (l === 999 ? 65_535 : l)));
});

it("pads an image that the model refuses, and says so", async () => {
  const { folder, path } = saveModel(multipleOfFourModel());
  const image = writePng(folder, "image.png", 15, 3, noise(3 * 225, 31));
  const other = writePng(folder, "other.png", 15, 3, noise(3 * 225, 57));
  const { object, stderr } = await attackTowards(path, [image, other], ["--iterations", "20"]);
  expect(stderr).toBe("");
  expect(object.target["dims"]).toEqual([15, 15]);
  expect(object.model).toMatchObject({ input: { dims: [1, 3, 16, 16] } });
});

describe("preprocessor_config.json", () => {
  const config = {
    do_resize: true,
    size: { height: side, width: side },
    resample: 3,
    do_normalize: true,
    image_mean: [0.5, 0.4, 0.3],
    image_std: [0.2, 0.25, 0.3],
  };

  it("is taken from beside the model, from a file, or left alone", async () => {
    const { folder, path } = saveModel(channelsLastModel(side, side));
    writeFileSync(join(folder, "preprocessor_config.json"), JSON.stringify(config));
    const beside = await runCli(["inspect", path]);
    expect(beside.stdout).toMatch(
      /values +black 0, white 1, mean \[0\.5, 0\.4, 0\.3\], std \[0\.2, 0\.25, 0\.3\] +\(from preprocessor_config\.json beside the model; --range/,
    );
    const without = await runCli(["inspect", path, "--no-preprocessor"]);
    expect(without.stdout).toMatch(/values +black 0, white 1 +\(the default/);
    const flags = await runCli(["inspect", path, "--mean", "0", "--std", "1"]);
    expect(flags.stdout).toMatch(/values +black 0, white 1, mean \[0\], std \[1\] +\(as told/);
    const named = join(folder, "bgr.json");
    writeFileSync(named, JSON.stringify({ do_resize: false, do_flip_channel_order: true }));
    const told = await runCli(["inspect", path, "--preprocessor", named]);
    expect(told.stdout).toMatch(/channel order +bgr +\(from .*bgr\.json; --channel-order\)/);
  });

  it("resizes and normalises in the graph", async () => {
    const { folder, path } = saveModel(channelsLastModel(side, side));
    writeFileSync(join(folder, "preprocessor_config.json"), JSON.stringify(config));
    const image = writePng(folder, "image.png", 24, 3, noise(3 * 576, 31));
    const other = writePng(folder, "other.png", 24, 3, noise(3 * 576, 57));
    const { object, stderr } = await attackTowards(path, [image, other], ["--iterations", "30"]);
    expect(stderr).toBe("");
    expect(object.model["preprocessing"]).toMatchObject({
      imageSize: [24, 24],
      resizedSize: [16, 16],
      resampling: "bicubic",
      mean: config.image_mean,
    });
  });

  it("is refused by name where it cannot be honoured", async () => {
    const { folder, path } = saveModel(channelsLastModel(side, side));
    writeFileSync(
      join(folder, "preprocessor_config.json"),
      JSON.stringify({ ...config, do_center_crop: true }),
    );
    const message = await expectFailure(["inspect", path], { exit: 1, code: "ERR_PREPROCESSOR" });
    expect(message).toContain("do_center_crop");
    expect(message).toContain("--no-preprocessor");
    const missing = ["inspect", path, "--preprocessor", join(folder, "no.json")];
    await expectFailure(missing, { exit: 1, code: "ERR_FILE_NOT_FOUND" });
  });
});
