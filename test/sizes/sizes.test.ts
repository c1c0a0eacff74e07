import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { differentiate, resolve, writeModel } from "@onnx-asma/autodiff";
import { readModelFile } from "@onnx-asma/node";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";
import { compareGradient, describeWrong } from "../support/compare-gradient.ts";
import { largeUnet, openWeights } from "../support/large-unet.ts";
import { temporaryFolder } from "../support/run-cli.ts";

/** SIZES=1 npx vitest run test/sizes: the time too, and a model beyond 2 GiB (7 GB of memory and disk). */
const isComplete = process.env["SIZES"] !== undefined;

const bin = fileURLToPath(new URL("../../packages/onnx-asma/bin/onnx-asma.js", import.meta.url));
const reporter = new URL("report-memory.js", import.meta.url).href;

/** Runs the command line; its peak resident memory in bytes and its time. */
async function measure(...args: readonly string[]) {
  const start = performance.now();
  const child = spawn(process.execPath, ["--import", reporter, bin, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise((done) => child.on("close", done));
  const peak = Number(/peak (\d+)\s*$/.exec(stderr)?.[1]);
  return { code, stderr, peak, seconds: (performance.now() - start) / 1000 };
}

async function differentiateFile(folder: string, model: string, size: number, weights: string) {
  const out = join(folder, `derived-${weights}.onnx`);
  const idle = await measure("differentiate", "--help");
  const found = await measure("differentiate", model, "-o", out, "--weights", weights);
  expect(found.code, found.stderr).toBe(0);
  const times = (found.peak - idle.peak) / size;
  const mega = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  console.log(
    `${weights}: ${mega(size)} in ${found.seconds.toFixed(2)} s; peak ${mega(found.peak)}, ${times.toFixed(2)} times its size above ${mega(idle.peak)} at rest; ${mega(statSync(out).size)} written`,
  );
  return { out, times, seconds: found.seconds };
}

it.each(["embed", "reference"])(
  "differentiates 100 MB in 3 s and 2.5 times its size (%s)",
  async (weights) => {
    const folder = temporaryFolder();
    const model = join(folder, "unet.onnx");
    writeFileSync(model, largeUnet(58));
    const { size } = statSync(model);
    expect(size).toBeGreaterThan(100e6);
    const { times, seconds } = await differentiateFile(folder, model, size, weights);
    expect(times).toBeLessThan(2.5);
    // Beside other tests the clock says nothing.
    expect(isComplete ? seconds : 0).toBeLessThan(3);
  },
);

it.runIf(isComplete)(
  "differentiates a model with more than 2 GiB of external data",
  async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "weights"));
    const [model, location] = [join(folder, "unet.onnx"), "weights/unet.data"];
    const weights = openWeights(join(folder, location), location);
    writeFileSync(model, largeUnet(268, { writer: weights, activation: "Tanh" }));
    weights.close();
    const { size } = statSync(join(folder, location));
    expect(size).toBeGreaterThan(2 ** 31);
    const { out, times } = await differentiateFile(folder, model, size, "reference");
    expect(times).toBeLessThan(0.5);

    const resolved = await resolve(await readModelFile(model), ort);
    expect(() => writeModel(resolved.model, "embed")).toThrow(
      expect.objectContaining({ code: "ERR_MODEL_TOO_LARGE" }),
    );
    const variable = {
      name: "image",
      dtype: "float32" as const,
      dims: [1, 3, 32, 32],
      numbers: Float64Array.from({ length: 3072 }, mulberry32(2)),
    };
    // The runtime finds the weights beside the file that the command wrote …
    const output = resolved.model.graph.output[0]?.name as string;
    const forward = await ort.InferenceSession.create(model);
    const backward = await ort.InferenceSession.create(out);
    const comparison = await compareGradient({ forward, backward }, [variable], [output], {
      jitter: 0,
      sample: 200,
      budget: 60,
    });
    await forward.release();
    await backward.release();
    console.log(describeWrong(comparison));
    expect(comparison.wrong).toEqual([]);
    expect(comparison.verified).toBeGreaterThan(0);
    // … and takes them from memory.
    const { bytes, externalData } = writeModel(differentiate(resolved).model, "reference");
    expect(Buffer.compare(bytes, readFileSync(out))).toBe(0);
    const session = await ort.InferenceSession.create(bytes, { externalData });
    await session.release();
  },
  600_000,
);
