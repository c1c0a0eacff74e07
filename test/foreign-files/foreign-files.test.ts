import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { loadModel } from "@onnx-asma/node";
// In this process: a process for each of so many files takes minutes.
import { main } from "../../packages/node/src/cli/main.ts";
import { expectFailure, temporaryFolder } from "../support/run-cli.ts";
import { files, model, type BadFile } from "./files.ts";

async function write({ bytes, name, beside = {} }: BadFile): Promise<string> {
  const folder = temporaryFolder();
  for (const [other, content] of Object.entries({ ...beside, [name]: bytes })) {
    await writeFile(join(folder, other), content);
  }
  return join(folder, name);
}

async function failureOf(
  path: string,
): Promise<{ readonly code: string; readonly message: string }> {
  try {
    const loaded = await loadModel(path);
    try {
      await loaded.describe();
    } finally {
      await loaded.release();
    }
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("Expected a refusal.");
}

it.each(Object.entries(files))("%s: in Node and on the command line", async (what, file) => {
  const path = await write(file);
  const start = performance.now();
  const { code, message } = await failureOf(path);
  const took = performance.now() - start;
  if (process.env["TABLE"] !== undefined) {
    process.stderr.write(`| ${what} | ${code} | ${message} | ${took.toFixed(0)} ms |\n`);
  }
  expect({ code, message }).toMatchObject({
    code: file.code,
    message: expect.stringMatching(file.says),
  });
  if (file.isLate !== true) {
    expect(message.split("\n")).toHaveLength(1);
  }
  expect(took).toBeLessThan(1000);
  const [out, err] = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")];
  const written: string[] = [];
  out.mockImplementation((chunk) => written.push(String(chunk)) > 0);
  err.mockImplementation(() => true);
  try {
    const exit = await main(["inspect", path, "--json"]);
    const isOfModel = ["ERR_IMAGE_INPUT", "ERR_MODEL_REFUSED", "ERR_OPSET"].includes(file.code);
    expect(exit).toBe(isOfModel ? 4 : 1);
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  const { error } = JSON.parse(written.join("")) as { error: { code: string; message: string } };
  expect(error.code).toBe(file.code);
  expect(error.message).toMatch(file.says);
});

it.each(["a pointer of Git LFS", "a checkpoint of PyTorch"])(
  "%s: by the command itself, for every command",
  async (what) => {
    const file = files[what] as BadFile;
    const path = await write(file);
    const folder = temporaryFolder();
    for (const args of [
      ["inspect", path],
      ["differentiate", path, "-o", join(folder, "out.onnx")],
    ]) {
      const message = await expectFailure(args, { exit: 1, code: file.code });
      expect(message).toMatch(file.says);
    }
  },
);

it("a folder", async () => {
  const folder = temporaryFolder();
  await mkdir(join(folder, "model.onnx"));
  const { code, message } = await failureOf(join(folder, "model.onnx"));
  expect(code).toBe("ERR_FILE_NOT_READABLE");
  expect(message).toMatch(/it is a folder: name the \.onnx file/);
});

it("weights that are a folder", async () => {
  const file = files["weights that are missing"] as BadFile;
  const path = await write(file);
  await mkdir(join(path, "../w.bin"));
  const { code, message } = await failureOf(path);
  expect(code).toBe("ERR_EXTERNAL_DATA");
  expect(message).toMatch(/'w\.bin'.*folder/);
});

it("a model is none of these", async () => {
  const path = await write({ ...(files["no nodes"] as BadFile), bytes: model });
  const loaded = await loadModel(path);
  expect((await loaded.describe()).head.classes).toBe(2);
  await loaded.release();
});
