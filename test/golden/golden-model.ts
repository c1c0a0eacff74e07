import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import type { Runtime, Target } from "@onnx-asma/autodiff";
import { Workbench, type ImageTensor, type LabelMap } from "@onnx-asma/core";
import { readModelFile, readNpy } from "@onnx-asma/node";

const models = new Map<string, Promise<Workbench>>();

/** A model of this folder, loaded once. */
export function goldenModel(name: string, target: Target): Promise<Workbench> {
  const key = `${name} ${target}`;
  const known = models.get(key);
  if (known !== undefined) {
    return known;
  }
  const file = fileURLToPath(new URL(name, import.meta.url));
  const host = { runtime: ort as Runtime, sessionOptions: undefined, target };
  const model = readModelFile(file).then((read) => new Workbench(read, {}, host));
  models.set(key, model);
  return model;
}

/** Releases all of them. */
export async function releaseGoldenModels(): Promise<void> {
  await Promise.all([...models.values()].map(async (model) => await (await model).release()));
}

/** An image file of a folder here, float32 [1, C, H, W]. */
export async function goldenImage(folder: URL, name: string): Promise<ImageTensor> {
  const { data, dims } = await readNpy(fileURLToPath(new URL(name, folder)));
  return { data: data as Float32Array, dims: dims as readonly number[] as ImageTensor["dims"] };
}

/** A file of labels of a folder here, uint8 [1, h, w]. */
export async function goldenLabels(folder: URL, name: string): Promise<LabelMap> {
  const { data, dims } = await readNpy(fileURLToPath(new URL(name, folder)));
  const size = dims.slice(-2) as readonly number[] as LabelMap["dims"];
  return { data: Int32Array.from(data as Uint8Array), dims: size };
}

/** Reads packed labels: pixel i is in `bits` bits from bit i·bits on. */
export function unpackLabels(base64: string, bits: number): (i: number) => number {
  const bytes = Buffer.from(base64, "base64");
  return (i) => ((bytes[(i * bits) >> 3] as number) >> ((i * bits) & 7)) & ((1 << bits) - 1);
}

/** Labels that are not the expected ones. */
export function differingLabels(found: LabelMap, expected: (i: number) => number): number {
  return found.data.reduce((n, label, i) => n + (label === expected(i) ? 0 : 1), 0);
}

/** Largest difference of two arrays. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((max, v, i) => Math.max(max, Math.abs(v - (b[i] as number))), 0);
}
