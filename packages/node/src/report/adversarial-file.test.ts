import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageTensor } from "@onnx-asma/core";
import { readNpy } from "../images/npy.ts";
import { adversarialFile, readAdversarial, writeAdversarial } from "./adversarial-file.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "adversarial-file-"))));
afterAll(() => rm(folder, { recursive: true }));

const image = (dims: ImageTensor["dims"], levels?: number, of = levels ?? 256): ImageTensor => {
  const length = dims.reduce((product, dim) => product * dim, 1);
  const value = (k: number) =>
    of === Infinity ? Math.sqrt(k / length) : ((k * 7) % of) / (of - 1);
  return { data: Float32Array.from({ length }, (_, k) => value(k)), dims, levels };
};
const png = "adversarial.png";
const npy = "adversarial.npy";
const rgb = [1, 3, 4, 5] as const;
const grey = [1, 1, 20, 20] as const;
const many = [1, 6, 4, 5] as const;
const volume = [1, 1, 3, 4, 5] as const;

describe("adversarialFile", () => {
  it.each([
    { dims: rgb, levels: 256, file: { name: png, levels: 256 } },
    { dims: grey, levels: 65_536, file: { name: png, levels: 65_536 } },
    { dims: rgb, levels: Infinity, file: { name: npy, levels: undefined } },
    { dims: grey, levels: 1024, file: { name: npy, levels: undefined } },
    { dims: many, levels: 256, file: { name: npy, levels: 256 } },
    { dims: volume, levels: 65_536, file: { name: npy, levels: 65_536 } },
    { dims: volume, levels: Infinity, file: { name: npy, levels: undefined } },
  ])("of dims $dims and $levels levels is $file.name", async ({ dims, levels, file }) => {
    const original = image(dims, levels);
    expect(adversarialFile(original)).toEqual(file);
    const path = join(folder, file.name);
    await writeAdversarial(path, original, file as ReturnType<typeof adversarialFile>);
    const read = await readAdversarial(path, original);
    expect(read.data).toEqual(original.data);
    expect(read).toMatchObject({ dims, levels: file.levels ?? Infinity });
  });

  it("finds the levels of an image that says nothing", () => {
    expect(adversarialFile(image(rgb))).toEqual({ name: png, levels: 256 });
    expect(adversarialFile(image(grey, undefined, 65_536))).toEqual({ name: png, levels: 65_536 });
    expect(adversarialFile(image(rgb, undefined, Infinity))).toEqual({
      name: npy,
      levels: undefined,
    });
  });

  it("has the levels that are asked for", async () => {
    const floats = image(rgb, Infinity);
    expect(adversarialFile(floats, 256)).toEqual({ name: png, levels: 256 });
    expect(adversarialFile(image(rgb, 256), Infinity)).toEqual({ name: npy, levels: undefined });
    expect(adversarialFile(image(many, Infinity), 256)).toEqual({ name: npy, levels: 256 });
    const path = join(folder, "floats.npy");
    await writeAdversarial(path, floats, { name: npy, levels: 65_536 });
    expect((await readNpy(path)).data).toEqual(
      Uint16Array.from(floats.data, (v) => Math.round(v * 65_535)),
    );
  });
});
