import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "@onnx-asma/node";
import { runCli } from "../support/run-cli.ts";
import { identity } from "./support.ts";

const cases = fileURLToPath(new URL("../cases/", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "beside-"));
  await cp(join(cases, "preprocessor-cwd/repo"), join(folder, "repo"), { recursive: true });
  await symlink(join(folder, "repo/onnx/model.onnx"), join(folder, "link.onnx"));
  await symlink(join(folder, "repo/onnx"), join(folder, "folder"));
  await mkdir(join(folder, "other"));
  await writeFile(join(folder, "other/plain.onnx"), identity);
});
afterAll(async () => await rm(folder, { recursive: true }));

it.each([
  ["repo", "onnx/model.onnx"],
  ["repo/onnx", "model.onnx"],
  ["repo/onnx", "./model.onnx"],
  [".", "link.onnx"],
  [".", "folder/model.onnx"],
  ["folder", "model.onnx"],
  ["other", "../repo/onnx/model.onnx"],
])("is found from %s for %s", async (cwd, model) => {
  const { code, stdout } = await runCli(
    ["inspect", model, "--shape", "pixel_values=1,3,64,64", "--json"],
    { cwd: join(folder, cwd) },
  );
  expect(code).toBe(0);
  const { preprocessing } = JSON.parse(stdout) as { preprocessing: { mean: number[] } };
  expect(preprocessing.mean).toEqual([0.485, 0.456, 0.406]);
});

describe("sizes of files that are in use", () => {
  it.each([
    ["maskformer_old", [64, 128]],
    ["detr_old", [60, 100]],
    ["dpt_old", [64, 96]],
    ["mask2former", [64, 128]],
  ])("%s", async (name, size) => {
    const model = await loadModel(join(cases, "preprocessor-ignored/id.onnx"), {
      preprocessor: join(cases, "preprocessor-ignored", name, "preprocessor_config.json"),
    });
    const { preprocessing } = await model.describe([90, 150]);
    expect(preprocessing.resizedSize).toEqual(size);
    await model.release();
  });
});

describe("names of classes in a config.json", () => {
  const describeWith = async (config: object) => {
    await writeFile(join(folder, "other/config.json"), JSON.stringify(config));
    const model = await loadModel(join(folder, "other/plain.onnx"));
    const description = await model.describe([32, 32]);
    await model.release();
    return description;
  };
  it("are taken where they are as many as the classes", async () => {
    const id2label = { 0: "wall", 1: "floor", 2: "sky" };
    const { classNames, decisions } = await describeWith({ id2label });
    expect(classNames).toEqual(["wall", "floor", "sky"]);
    expect(decisions).toContainEqual({
      what: "class names",
      is: "3",
      because: "id2label in config.json beside the model",
      options: ["classes"],
    });
  });
  it("are left, and it is said, where they are not", async () => {
    const { classNames, decisions } = await describeWith({ id2label: { 0: "wall", 1: "floor" } });
    expect(classNames).toEqual(["class 0", "class 1", "class 2"]);
    expect(decisions.find(({ what }) => what === "class names")?.because).toMatch(
      /has 2, which is not one for each of 3/,
    );
  });
  it("that stand for nothing are no names", async () => {
    const { decisions } = await describeWith({ id2label: { 0: "LABEL_0", 1: "LABEL_1" } });
    expect(decisions.map(({ what }) => what)).not.toContain("class names");
  });
  it("say which class a preprocessor file without one is of", async () => {
    const config = { size: 48, do_normalize: true, image_mean: [0.5], image_std: [0.5] };
    await writeFile(join(folder, "other/preprocessor_config.json"), JSON.stringify(config));
    const { preprocessing } = await describeWith({ model_type: "segformer" });
    expect(preprocessing.resizedSize).toEqual([48, 48]);
    await rm(join(folder, "other/preprocessor_config.json"));
  });
});

it("is no picture, of which no byte is printed", async () => {
  const path = join(cases, "preprocessor-ignored/id.onnx");
  const picture = join(folder, "picture.png");
  await writeFile(picture, Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13));
  await expect(loadModel(path, { preprocessor: picture })).rejects.toMatchObject({
    code: "ERR_PREPROCESSOR",
    message: `Expected a preprocessor_config.json but '${picture}' is another file: it is a PNG picture: name another file, or leave it out with \`preprocessor: false\`.`,
  });
});
