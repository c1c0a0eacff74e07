import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageTensor } from "@onnx-asma/core";
import { encodeImage } from "@onnx-asma/core/png";
import { adversarialFile } from "@onnx-asma/core/result-record";
import { writeFile } from "../images/write-file.ts";
import { readNpy } from "../images/npy.ts";
import { readImage } from "../images/read-image.ts";

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
    { dims: rgb, levels: 256, name: png, stored: 256 },
    { dims: grey, levels: 65_536, name: png, stored: 65_536 },
    { dims: grey, levels: 1024, name: npy, stored: undefined },
    { dims: many, levels: 256, name: npy, stored: 256 },
    { dims: volume, levels: 65_536, name: npy, stored: 65_536 },
  ])("of dims $dims and $levels levels is $name", async ({ dims, levels, name, stored }) => {
    const original = image(dims, levels);
    const file = adversarialFile(original, levels);
    expect(file).toMatchObject({ name, levels: stored });
    const path = join(folder, name);
    await writeFile(path, encodeImage(original, file));
    const read = await readImage(path, {
      channels: dims[1],
      spatialAxes: dims.length === 5 ? 3 : 2,
    });
    expect(read.data).toEqual(original.data);
    expect(read).toMatchObject({ dims, levels: stored ?? Infinity });
  });

  it("has the levels that were optimised, whatever the image had", () => {
    const of = (levels: number) => adversarialFile(image(rgb, 256), levels);
    expect(of(65_536)).toMatchObject({ name: png, levels: 65_536 });
    expect(of(1000)).toMatchObject({ name: npy, levels: undefined });
    // 0, 17, 34, … of 255.
    expect(of(16)).toMatchObject({ name: png, levels: 256 });
    expect(adversarialFile(image(rgb, Infinity), 256)).toMatchObject({ name: png, levels: 256 });
  });

  it("of floats is the PNG that the image was, or an array of floats", () => {
    expect(adversarialFile(image(rgb, 256), "float")).toMatchObject({ name: png, levels: 256 });
    const floats = { name: npy, levels: undefined };
    expect(adversarialFile(image(rgb, Infinity), "float")).toMatchObject(floats);
    expect(adversarialFile(image(many, 256), "float")).toMatchObject(floats);
  });

  it("rounds to the levels of the file", async () => {
    const floats = image(rgb, Infinity);
    const path = join(folder, "floats.npy");
    await writeFile(path, encodeImage(floats, { format: "npy", levels: 65_536 }));
    expect((await readNpy(path)).data).toEqual(
      Uint16Array.from(floats.data, (v) => Math.round(v * 65_535)),
    );
  });
});
