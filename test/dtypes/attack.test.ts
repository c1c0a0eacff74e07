import { clone, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType as Type } from "onnx-buf";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import {
  GraphBuilder,
  halfToNumber,
  readModel,
  resolve,
  writeModel,
  type DataType,
} from "@onnx-asma/autodiff";
import type { ResultRecord } from "@onnx-asma/node";
import { makeTensor, readTensor } from "../../packages/autodiff/src/model/tensor.ts";
import { goldenTarget, unet3, writeImage, writeMask } from "../support/golden-scene.ts";
import { decodePng } from "../support/png.ts";
import { runCli, runJson, temporaryFolder } from "../support/run-cli.ts";

const side = 76;
const quantized = fileURLToPath(new URL("unet3-qdq.onnx", import.meta.url));

/** The golden U-Net behind pixels of another type: Cast, Mul and, where channels are last, Transpose. */
async function behindPixels(dtype: DataType, isLast: boolean, scale: number): Promise<Uint8Array> {
  const resolved = await resolve(await readModel(readFileSync(unet3)), ort);
  const b = new GraphBuilder(resolved);
  const dims = isLast ? [1, side, side, 3] : [1, 3, side, side];
  const pixels = b.input("pixels", { dtype, dims });
  b.prepend(() => {
    const scaled = b.op("Mul", [b.cast(pixels, "float32"), b.scalar(scale)]);
    b.replaceInput(b.value("image"), isLast ? b.transpose(scaled, [0, 3, 1, 2]) : scaled);
  });
  if (isLast) {
    b.graph.output = [];
    b.output(b.transpose(b.value("logits"), [0, 2, 3, 1]), "scores");
  }
  return writeModel(b.build().model, "embed").bytes;
}

/** The golden U-Net with weights, input and output of another float type. */
function inFloats(dtype: "float16" | "bfloat16"): Uint8Array {
  const proto = clone(ModelProtoSchema, fromBinary(ModelProtoSchema, readFileSync(unet3)));
  const graph = proto.graph as NonNullable<typeof proto.graph>;
  graph.initializer = graph.initializer.map((tensor) =>
    tensor.dataType === Type.FLOAT
      ? makeTensor(tensor.name, dtype, tensor.dims.map(Number), readTensor(tensor) as number[])
      : tensor,
  );
  graph.valueInfo = [];
  for (const { type } of [...graph.input, ...graph.output]) {
    if (type?.value.case === "tensorType") {
      type.value.value.elemType = dtype === "float16" ? Type.FLOAT16 : Type.BFLOAT16;
    }
  }
  return toBinary(ModelProtoSchema, proto);
}

function save(folder: string, bytes: Uint8Array): string {
  const path = join(folder, "model.onnx");
  writeFileSync(path, bytes);
  return path;
}

async function attack(folder: string, model: string) {
  const [image, out] = [writeImage(folder, "three"), join(folder, "out")];
  const mask = writeMask(folder, goldenTarget("three.moved"));
  const args = ["attack", model, image, "--target", mask, "-o", out, "--json", "--iou", "0.7"];
  const { code, stdout, stderr } = await runCli(args);
  expect(code, stderr).toBe(0);
  const record = JSON.parse(stdout) as ResultRecord;
  expect(record.reached).toBe(true);
  const { data } = decodePng(readFileSync(join(out, "adversarial.png")));
  return { record, pixels: Array.from(data) };
}

/** Share of the pixels that the file itself draws as the target, worked out without the packages. */
async function accuracyOf(model: string, input: ort.Tensor): Promise<number> {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const results = await session.run({ [session.inputNames[0] as string]: input });
  await session.release();
  const output = Object.values(results)[0] as ort.Tensor;
  const isLast = output.dims[3] === 3;
  const bits = output.data as Uint16Array;
  const scores = [
    ...(output.type === "float16"
      ? Float32Array.from(bits, halfToNumber)
      : (output.data as Float32Array)),
  ];
  const target = goldenTarget("three.moved");
  const n = target.length;
  let right = 0;
  target.forEach((label, i) => {
    const of = [0, 1, 2].map((c) => scores[isLast ? i * 3 + c : c * n + i] as number);
    right += of.indexOf(Math.max(...of)) === label ? 1 : 0;
  });
  return right / n;
}

const planes = (pixels: readonly number[]) =>
  pixels.map((_, i) => pixels[(i % (side * side)) * 3 + Math.floor(i / (side * side))] as number);

const decisions = (record: ResultRecord) => record.model.decisions.map((d) => `${d.what}: ${d.is}`);

it("a model of uint8 pixels, channels last: the saved file itself is its input", async () => {
  const folder = temporaryFolder();
  const model = save(folder, await behindPixels("uint8", true, 1 / 255));
  const { record, pixels } = await attack(folder, model);
  const input = new ort.Tensor("uint8", Uint8Array.from(pixels), [1, side, side, 3]);
  expect(record.saved.pixelAccuracy).toBe(await accuracyOf(model, input));
  expect(decisions(record)).toContain(
    "whole numbers: 'pixels' is rounded to uint8; gradients pass straight through",
  );
  expect(record.model["input"]).toMatchObject({ dtype: "uint8", dims: [1, side, side, 3] });
});

it("a model of int32 pixels", async () => {
  const folder = temporaryFolder();
  const model = save(folder, await behindPixels("int32", false, 1 / 255));
  const { record, pixels } = await attack(folder, model);
  const input = new ort.Tensor("int32", Int32Array.from(planes(pixels)), [1, 3, side, side]);
  expect(record.saved.pixelAccuracy).toBe(await accuracyOf(model, input));
});

it("a model of float64 pixels", async () => {
  const folder = temporaryFolder();
  const model = save(folder, await behindPixels("float64", false, 1));
  const { record, pixels } = await attack(folder, model);
  const values = Float64Array.from(planes(pixels), (v) => Math.fround(v / 255));
  const input = new ort.Tensor("float64", values, [1, 3, side, side]);
  expect(record.saved.pixelAccuracy).toBe(await accuracyOf(model, input));
});

it("uint8 pixels that are resized are rounded as the file's are", async () => {
  const folder = temporaryFolder();
  const bytes = await behindPixels("uint8", true, 1 / 255);
  const image = writeImage(folder, "two");
  const args = ["attack", save(folder, bytes), image, "--hide", "1", "-o", join(folder, "out")];
  const { code, object } = await runJson<ResultRecord>([...args, "--iterations", "3"]);
  expect([0, 3]).toContain(code);
  expect(object.model["preprocessing"]).toMatchObject({ resizedSize: [76, 76], range: [0, 255] });
  // The step graph saw what the file is to the model, rounded pixels of the resized image.
  const rows = readFileSync(join(folder, "out", "trajectory.csv"), "utf8").split("\n");
  const iou = Number(rows[object.best.step + 1]?.split(",")[1]);
  expect(object.saved.iou).toBeCloseTo(iou, 6);
});

it("a QDQ model: the verdict is that of its own integer kernels", async () => {
  const folder = temporaryFolder();
  const { record, pixels } = await attack(folder, quantized);
  const values = Float32Array.from(planes(pixels), (v) => v / 255);
  const input = new ort.Tensor("float32", values, [1, 3, side, side]);
  expect(record.saved.pixelAccuracy).toBe(await accuracyOf(quantized, input));
  expect(decisions(record).join("\n")).toMatch(
    /quantization: straight-through gradient at \d+ quantized activations/,
  );
  expect(record.model["adaptations"]).toMatchObject({ floats: [] });
});

it("a model of uint8 in and out", async () => {
  const folder = temporaryFolder();
  const resolved = await resolve(await readModel(readFileSync(quantized)), ort);
  const b = new GraphBuilder(resolved);
  const pixels = b.input("pixels", { dtype: "uint8", dims: [1, 3, side, side] });
  b.prepend(() => {
    const zero = b.scalar(0, "uint8");
    const image = b.op("DequantizeLinear", [pixels, b.scalar(1 / 255), zero]);
    b.replaceInput(b.value("image"), image);
  });
  b.graph.output = [];
  const scale = [b.scalar(0.05), b.scalar(128, "uint8")];
  b.output(b.op("QuantizeLinear", [b.value("logits"), ...scale]), "scores");
  const model = save(folder, writeModel(b.build().model, "embed").bytes);
  const { record, pixels: saved } = await attack(folder, model);
  const input = new ort.Tensor("uint8", Uint8Array.from(planes(saved)), [1, 3, side, side]);
  expect(record.saved.pixelAccuracy).toBe(await accuracyOf(model, input));
});

it("a float16 model, its verdict in float16", async () => {
  const folder = temporaryFolder();
  const model = save(folder, inFloats("float16"));
  const { record, pixels } = await attack(folder, model);
  const half = makeTensor(
    "",
    "float16",
    [1, 3, side, side],
    planes(pixels).map((v) => v / 255),
  );
  const bits = new Uint16Array(half.rawData.buffer);
  const accuracy = await accuracyOf(model, new ort.Tensor("float16", bits, [1, 3, side, side]));
  expect(record.saved.pixelAccuracy).toBeCloseTo(accuracy, 2);
  expect(decisions(record)).toContain("precision: float32, where the model has float16");
});

it("a bfloat16 model, which the runtime cannot run, is judged in float32 and says so", async () => {
  const folder = temporaryFolder();
  const { record } = await attack(folder, save(folder, inFloats("bfloat16")));
  expect(decisions(record)).toContain("verdict: by the model in float32, not by the file itself");
});

it("inspect and differentiate say what they did", async () => {
  const folder = temporaryFolder();
  const inspected = await runCli(["inspect", quantized]);
  expect(inspected.stdout).toMatch(/quantization +straight-through gradient at \d+/);
  const model = save(folder, await behindPixels("uint8", true, 1 / 255));
  const out = join(folder, "gradient.onnx");
  const { code, stdout, stderr } = await runCli(["differentiate", model, "-o", out]);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("'pixels' is float32 here; the model takes uint8");
  const { object } = await runJson<{ inputs: unknown[] }>([
    "differentiate",
    model,
    "-o",
    out,
    "--force",
  ]);
  expect(object.inputs[0]).toEqual({ name: "pixels", dtype: "float32", dims: [1, side, side, 3] });
});
