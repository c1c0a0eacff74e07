import { copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { golden, readNpyValues, unet, unetDynamo } from "../support/golden-scene.ts";
import { expectFailure, namesIn, runCli, runJson, temporaryFolder } from "../support/run-cli.ts";

/** Largest error of the written model's gradient, as a share of the largest gradient. */
async function gradientError(path: string): Promise<number> {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  expect(session.inputNames).toEqual(["image", "logits_grad"]);
  expect(session.outputNames).toEqual(["logits", "image_grad"]);
  const tensor = (name: string, dims: number[]) =>
    new ort.Tensor("float32", readNpyValues(golden(name)) as Float32Array, dims);
  const results = await session.run({
    image: tensor("unet-gradient.image.npy", [1, 3, 92, 92]),
    logits_grad: tensor("unet-gradient.upstream.npy", [1, 2, 52, 52]),
  });
  await session.release();
  const found = results["image_grad"]?.data as Float32Array;
  const expected = readNpyValues(golden("unet-gradient.expected.npy")) as Float32Array;
  const largest = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  return (
    expected.reduce((max, v, i) => Math.max(max, Math.abs(v - (found[i] as number))), 0) / largest
  );
}

it("writes the gradient of a model with dynamic axes", async () => {
  const out = join(temporaryFolder(), "gradient.onnx");
  const { code, stdout, stderr } = await runCli([
    "differentiate",
    unet,
    "-o",
    out,
    "--shape",
    "image=1,3,92,92",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("inputs   image [1, 3, 92, 92], logits_grad [1, 2, 52, 52]");
  expect(stdout).toContain("outputs  logits [1, 2, 52, 52], image_grad [1, 3, 92, 92]");
  expect(await gradientError(out)).toBeLessThan(1e-4);
});

it("embeds external weights", async () => {
  const out = join(temporaryFolder(), "gradient.onnx");
  const { code, stderr, object } = await runJson<Record<string, unknown>>([
    "differentiate",
    unetDynamo,
    "-o",
    out,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(object).toMatchObject({ out, bytes: statSync(out).size, opset: 20 });
  expect(await gradientError(out)).toBeLessThan(1e-4);
});

it("refers to the weights beside the model, and only there", async () => {
  const folder = temporaryFolder();
  const model = join(folder, "unet-dynamo.onnx");
  copyFileSync(unetDynamo, model);
  copyFileSync(`${unetDynamo}.data`, `${model}.data`);
  const out = join(folder, "gradient.onnx");
  const { code } = await runCli(["differentiate", model, "-o", out, "--weights", "reference"]);
  expect(code).toBe(0);
  expect(statSync(out).size).toBeLessThan(statSync(`${model}.data`).size / 2);
  expect(await gradientError(out)).toBeLessThan(1e-4);
  const elsewhere = join(temporaryFolder(), "gradient.onnx");
  const message = await expectFailure(
    ["differentiate", model, "-o", elsewhere, "--weights", "reference"],
    { exit: 1, code: "ERR_EXTERNAL_DATA" },
  );
  expect(message).toContain("embed the weights");
});

it("overwrites with --force only, and never the model", async () => {
  const folder = temporaryFolder();
  const [model, out] = [join(folder, "model.onnx"), join(folder, "gradient.onnx")];
  copyFileSync(unet, model);
  copyFileSync(unet, out);
  const args = ["differentiate", model, "-o", out, "--shape", "image=1,3,92,92"];
  const exists = { exit: 1, code: "ERR_RESULTS_EXIST" };
  expect(await expectFailure(args, exists)).toContain("--force");
  expect(readFileSync(out)).toEqual(readFileSync(unet));
  expect((await runCli([...args, "--force"])).code).toBe(0);
  expect(readFileSync(out)).not.toEqual(readFileSync(unet));
  const itself = ["differentiate", model, "-o", model, "--shape", "image=1,3,92,92", "--force"];
  expect(await expectFailure(itself, exists)).toContain("the model itself");
  expect(readFileSync(model)).toEqual(readFileSync(unet));
});

it("asks for dims, names and a folder", async () => {
  const folder = temporaryFolder();
  const out = join(folder, "gradient.onnx");
  const shaped = ["differentiate", unet, "-o", out, "--shape", "image=1,3,92,92"];
  const dims = await expectFailure(["differentiate", unet, "-o", out], {
    exit: 1,
    code: "ERR_INPUT_DIMS",
  });
  expect(dims).toContain("--shape image=1,3,512,512");
  const name = await expectFailure([...shaped, "--output", "scores"], {
    exit: 1,
    code: "ERR_UNKNOWN_VALUE",
  });
  expect(name).toContain("no value 'scores'");
  const usage = await expectFailure(["differentiate", unet], { exit: 2, code: "ERR_USAGE" });
  expect(usage).toContain("-o, --out <file> with differentiate but it is not given");
  const missing = ["differentiate", unetDynamo, "-o", join(folder, "absent", "gradient.onnx")];
  await expectFailure(missing, { exit: 1, code: "ERR_FOLDER_NOT_WRITABLE" });
  expect(namesIn(folder)).toEqual([]);
});
