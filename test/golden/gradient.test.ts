import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { differentiate, resolve, writeModel } from "@onnx-asma/autodiff";
import { readModelFile, readNpy } from "@onnx-asma/node";
import { writeFileSync } from "node:fs";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "onnx-asma-"));
afterAll(() => rmSync(folder, { recursive: true }));

const golden = JSON.parse(readFileSync(path("unet-gradient.json"), "utf8")) as {
  readonly image: string;
  readonly upstream: string;
  readonly expected: string;
};

/** The Python in which onnxruntime and numpy are installed, if CI prepared one. */
const python = process.env["PYTHON"];

describe.each([
  ["unet-legacy.onnx", "the legacy exporter, with dynamic axes"],
  ["unet-dynamo.onnx", "the dynamo exporter, with external data"],
])("%s (%s)", (name) => {
  const derivedPath = join(folder, name);

  it("has autograd's gradient in onnxruntime-node", async () => {
    const [image, upstream, expected] = await Promise.all(
      [golden.image, golden.upstream, golden.expected].map((file) => readNpy(path(file))),
    );
    const dims = { image: image!.dims };
    const derived = differentiate(await resolve(await readModelFile(path(name)), ort, { dims }));
    const { bytes } = writeModel(derived.model, "embed");
    writeFileSync(derivedPath, bytes);
    const session = await ort.InferenceSession.create(bytes);
    const tensor = ({ data, dims: d }: NonNullable<typeof image>) =>
      new ort.Tensor("float32", data as Float32Array, [...d]);
    const { image_grad: found } = await session.run({
      image: tensor(image!),
      logits_grad: tensor(upstream!),
    });
    const reference = expected!.data as Float32Array;
    const largest = reference.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const error = (found?.data as Float32Array).reduce(
      (max, v, i) => Math.max(max, Math.abs(v - (reference[i] as number))),
      0,
    );
    expect(error / largest).toBeLessThan(1e-4);
    await session.release();
  });

  it.runIf(python !== undefined)("has it in onnxruntime for Python", () => {
    const files = [golden.image, golden.upstream, golden.expected].map(path);
    const output = execFileSync(python as string, [path("check_gradient.py"), path(name), derivedPath, ...files]);
    expect(output.toString()).toMatch(/\d/);
  });
});
