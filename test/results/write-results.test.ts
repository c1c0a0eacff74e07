import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { disc, loadModel, writeResults, type LoadedModel } from "@onnx-asma/node";
import { unet, writeImage } from "../support/golden-scene.ts";
import { temporaryFolder } from "../support/run-cli.ts";

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(unet);
});
afterAll(async () => await model.release());

/** What an attack on a target of the image's size comes to. */
async function reportOf() {
  const path = writeImage(temporaryFolder());
  const image = await model.readImage(path);
  const target = disc([92, 92], [46, 46], 10);
  const run = await model.attack(image, target, { iterations: 2 });
  return {
    model,
    image,
    target,
    sources: { model: model.sources, image: { file: "image.png", sha256: "0".repeat(64) } },
    predictionBefore: await model.predict(image),
    result: await run.result,
    snapshots: [],
  };
}

it("takes a target of the image's size, and leaves the files of others alone", async () => {
  const report = await reportOf();
  const folder = temporaryFolder();
  const own = join(folder, "target.npy");
  writeFileSync(own, "mine");
  const refused = { code: "ERR_RESULTS_EXIST" };
  await expect(writeResults(folder, report)).rejects.toMatchObject(refused);
  expect(readFileSync(own, "utf8")).toBe("mine");
  expect(existsSync(join(folder, "result.json"))).toBe(false);

  const other = join(folder, "results");
  const record = await writeResults(other, report);
  expect(record.target.dims).toEqual([52, 52]);
  await expect(writeResults(other, report)).rejects.toMatchObject(refused);
  expect((await writeResults(other, { ...report, overwrite: true })).saved).toEqual(record.saved);
  await expect(writeResults("", report)).rejects.toMatchObject({ code: "ERR_FOLDER_NOT_WRITABLE" });
});
