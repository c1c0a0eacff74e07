import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { ImageTensor, ModelOptions } from "@onnx-asma/core";
import { loadModel, type LoadModelOptions } from "@onnx-asma/node";
import { runCli } from "../support/run-cli.ts";
import { workbenchOf } from "../support/workbench-of.ts";

const cases = new URL("../cases", import.meta.url).pathname;
const heads = new URL(".", import.meta.url).pathname;

/** What is decided about a model, what it predicts for the picture, and what its outputs hold. */
async function understand(path: string, options: LoadModelOptions = {}) {
  const model = await loadModel(path, options);
  try {
    const image = await model.readImage(`${heads}/picture.png`);
    const labels = await model.predict(image);
    const session = await ort.InferenceSession.create(path);
    const outputs = await session.run({
      [session.inputNames[0] as string]: new ort.Tensor("float32", image.data, image.dims),
    });
    await session.release();
    const raw = (name: string) => Array.from(outputs[name]?.data as ArrayLike<number>, Number);
    return { image, labels, raw, description: await model.describe() };
  } finally {
    await model.release();
  }
}

describe("what an output means", () => {
  it("is labels of another aspect than the input's", async () => {
    const path = `${cases}/label-map-other-aspect/bilinear_up_argmax.onnx`;
    const { labels, raw, description } = await understand(path);
    expect([...labels.data]).toEqual(raw("40"));
    expect(labels.dims).toEqual([77, 50]);
    expect(description.head).toMatchObject({ classes: 3, isUnsure: false });
    const told = await understand(path, { outputLayout: "NHW" });
    expect([...told.labels.data]).toEqual(raw("40"));
    const named = await understand(path, { output: "40", outputLayout: "NHW" });
    expect([...named.labels.data]).toEqual(raw("40"));
  });

  it("is the labels that stand beside their confidence", async () => {
    const path = `${cases}/label-output-choice/max_values_indices.onnx`;
    const { labels, raw, description } = await understand(path);
    expect([...labels.data]).toEqual(raw("labels"));
    expect(description.decisions).toContainEqual(
      expect.objectContaining({
        what: "output",
        is: "'labels'",
        because: "the finest of 2 spatial outputs that holds labels",
      }),
    );
  });

  it("is a probability times 255", async () => {
    const path = `${cases}/probability-times-255/prob255.onnx`;
    const { labels, raw, description } = await understand(path);
    expect([...labels.data]).toEqual(raw("31").map((v) => (v > 127.5 ? 1 : 0)));
    expect(description.head.decoding).toMatchObject({ kind: "threshold", border: 127.5 });
    expect(description.head).toMatchObject({ border: 0, isUnsure: false, saturation: undefined });
  });

  it("is instances, and refused by that name", async () => {
    const path = `${cases}/yolo-seg-prototypes/yolo_like.onnx`;
    const model = await loadModel(path);
    await expect(model.describe()).rejects.toMatchObject({
      code: "ERR_OUTPUT",
      message: expect.stringMatching(/instance segmentation.*'output1' holds prototypes.*`output`/),
    });
    await model.release();
    // Whoever names an output has decided.
    const named = await loadModel(path, { output: "output1" });
    expect((await named.describe()).head.classes).toBe(32);
    await named.release();
  });

  it("is a softmax's when two channels are told to be probabilities", async () => {
    const path = `${heads}/models/softmax-2-resize.onnx`;
    const { labels, raw, description } = await understand(path, { outputKind: "probability" });
    const p = raw("out");
    const { length } = labels.data;
    expect([...labels.data]).toEqual(
      Array.from(labels.data, (_, i) => ((p[length + i] as number) > (p[i] as number) ? 1 : 0)),
    );
    expect(description.head).toMatchObject({ channel: undefined, classes: 2 });
  });
});

describe("a guess", () => {
  const attackNotices = async (name: string, options: ModelOptions = {}) => {
    const bytes = await readFile(`${heads}/models/${name}.onnx`);
    const { image } = await understand(`${heads}/models/logit.onnx`);
    const bench = await workbenchOf(bytes, options);
    const labels = await bench.predict(image as ImageTensor);
    await bench.release();
    // A workbench that has not predicted before.
    const fresh = await workbenchOf(bytes, options);
    const target = { ...labels, data: labels.data.map((label) => 1 - Math.min(1, label)) };
    const { notices } = await (await fresh.attack(image, target, { iterations: 1 })).result;
    await fresh.release();
    expect(notices).toEqual(labels.notices ?? []);
    return notices.join("\n");
  };

  it("is doubted where the numbers speak against it, before an attack too", async () => {
    expect(await attackNotices("regression")).toMatch(
      /^'out' was taken for logits, .* lie in \[0\.00, .*none below 0.*`outputKind`.*`border`/,
    );
    expect(await attackNotices("enhanced-image")).toMatch(
      /^'out' was taken for scores, .* lie in \[0\.00, 1\.00\]/,
    );
  });

  it("is doubted on the command line once, with its flags", async () => {
    const out = await mkdtemp(join(tmpdir(), "onnx-asma-heads-"));
    const { stderr } = await runCli([
      "attack",
      `${heads}/models/regression.onnx`,
      `${heads}/picture.png`,
      "--hide",
      "1",
      "--iterations",
      "1",
      "-o",
      out,
      "--force",
    ]);
    await rm(out, { recursive: true });
    expect(stderr.match(/taken for logits.*--output-kind or --border.*--output\./g)).toHaveLength(
      1,
    );
  });

  it("is not where they do not, and what was told is none", async () => {
    expect(await attackNotices("logit")).toBe("");
    expect(await attackNotices("logits-3")).toBe("");
    expect(await attackNotices("softmax-2")).toBe("");
    expect(await attackNotices("regression", { outputKind: "logit" })).toBe("");
  });

  it("is marked with the options that decide", async () => {
    const { description } = await understand(`${heads}/models/logit.onnx`);
    expect(description.decisions.filter(({ isUnsure }) => isUnsure === true)).toEqual([
      {
        what: "scores",
        is: "'out', one channel, class 1 above 0",
        because: "a guess: nothing in the graph tells what its numbers are",
        options: ["outputKind", "border"],
        isUnsure: true,
      },
    ]);
  });
});
