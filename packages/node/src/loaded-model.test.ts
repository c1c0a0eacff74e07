import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { readModel } from "@onnx-asma/autodiff";
import { hideClass, parsePreprocessor, type ModelHandle } from "@onnx-asma/core";
import { unet, unetDynamo, writeImage } from "../../../test/support/golden-scene.ts";
import { saveModel, temporaryFolder } from "../../../test/support/run-cli.ts";
import { channelsLastModel, volumeModel } from "../../../test/support/segmentation-models.ts";
import { encodeImage } from "@onnx-asma/core/png";
import { writePng } from "./images/write-image.ts";
import { loadModel } from "./load-model.ts";

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

it("attacks a volume given as ndarray", async () => {
  const size = [3, 4, 5] as const;
  const data = Float32Array.from({ length: 60 }, (_, i) => ((i * 37) % 60) / 60);
  const volume = ndarray(data, [1, ...size]);
  const model = await loadModel(await readModel(volumeModel(size)));
  const before = await model.predict(volume);
  expect(before.dims).toEqual(size);
  expect([...before.data]).toEqual(Array.from(data, (v) => (v > 0.5 ? 1 : 0)));
  const target = ndarray(
    before.data.map((label) => 1 - label),
    [...size],
  );
  const { best, reached } = await (await model.attack(volume, target)).result;
  expect(reached).toBe(true);
  expect(best.image.dims).toEqual([1, 1, ...size]);
  expect([...(await model.predict(best.image)).data]).toEqual([...best.prediction.data]);
  await model.release();
});

describe("preprocessor_config.json", () => {
  const config = JSON.stringify({
    do_resize: false,
    do_normalize: true,
    image_mean: [0.5],
    image_std: [1],
  });

  it("is found beside the model, read from a path, taken parsed, or left alone", async () => {
    const { folder, path } = saveModel(channelsLastModel(16, 16));
    const beside = join(folder, "preprocessor_config.json");
    writeFileSync(beside, config);
    const elsewhere = join(temporaryFolder(), "mine.json");
    writeFileSync(elsewhere, config.replace("0.5", "0.25"));
    const load = async (preprocessor?: Parameters<typeof loadModel>[1]) => {
      const model = await loadModel(path, preprocessor);
      const { mean } = (await model.describe()).preprocessing;
      await model.release();
      return { mean: mean?.[0], file: model.sources.preprocessor };
    };
    const found = { file: "preprocessor_config.json", sha256: sha256(beside) };
    expect(await load()).toEqual({ mean: 0.5, file: found });
    expect(await load({ preprocessor: false })).toEqual({ mean: undefined, file: undefined });
    expect(await load({ preprocessor: elsewhere })).toEqual({
      mean: 0.25,
      file: { file: "mine.json", sha256: sha256(elsewhere) },
    });
    const parsed = parsePreprocessor(config.replace("0.5", "0.75"), "a string");
    expect(await load({ preprocessor: parsed })).toEqual({ mean: 0.75, file: undefined });
    // What is told comes before what the file says.
    expect(await load({ mean: [0.1] })).toMatchObject({ mean: 0.1 });
  });
});

it("judges a path, its bytes and its image alike, and encodes what it judges", async () => {
  const folder = temporaryFolder();
  const model: ModelHandle<string, string | Uint8Array> = await loadModel(unet, { threads: 1 });
  const image = await model.readImage(writeImage(folder));
  const target = hideClass(await model.predict(image), 1);
  const { best } = await (await model.attack(image, target, { iterations: 40 })).result;
  const bytes = await model.encode(best.image);
  const path = join(folder, "adversarial.png");
  await writePng(path, best.image);
  expect(Buffer.compare(bytes, readFileSync(path))).toBe(0);
  const judged = await Promise.all(
    [path, bytes, new Uint8Array(bytes), best.image].map((file) =>
      model.verify(file, target, { original: image }),
    ),
  );
  const [first] = judged;
  expect(first?.iou).toBeCloseTo(best.iou, 6);
  for (const { iou, l2, prediction, image: decoded } of judged) {
    expect({ iou, l2 }).toEqual({ iou: first?.iou, l2: first?.l2 });
    expect(prediction).toEqual(first?.prediction);
    expect(decoded.data).toEqual(best.image.data);
  }
  const floats = { data: image.data.map(Math.sqrt), dims: image.dims, levels: Infinity };
  expect(await model.encode(floats)).toEqual(encodeImage(floats));
  await expect(model.verify(bytes.slice(0, 99), target, { original: image })).rejects.toMatchObject(
    {
      code: "ERR_IMAGE_UNREADABLE",
    },
  );
  await model.release();
  await expect(model.predict(image)).rejects.toMatchObject({ code: "ERR_RELEASED" });
});

it("records the files that it was loaded from", async () => {
  const model = await loadModel(unetDynamo);
  const data = `${unetDynamo}.data`;
  expect(model.sources).toEqual({
    model: { file: "unet-dynamo.onnx", sha256: sha256(unetDynamo) },
    externalData: [{ file: "unet-dynamo.onnx.data", sha256: sha256(data) }],
    preprocessor: undefined,
    trainingGraph: undefined,
  });
  await model.release();
});

it("refuses an unknown execution provider before any file is read", async () => {
  const sessionOptions = { executionProviders: ["abacus"] };
  await expect(loadModel("absent.onnx", { sessionOptions })).rejects.toMatchObject({
    code: "ERR_PROVIDER",
  });
});
