import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, type ImageData } from "fast-png";
import { Jimp } from "jimp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeLabelPng } from "@onnx-asma/core/png";
import { writeNpy } from "./npy.ts";
import { readMask } from "./read-mask.ts";
import { writeLabelPng } from "./write-mask.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "read-mask-"))));
afterAll(() => rm(folder, { recursive: true }));

async function png(image: ImageData): Promise<string> {
  await writeFile(join(folder, "mask.png"), encode(image));
  return join(folder, "mask.png");
}
const grey = (...values: number[]): Promise<string> =>
  png({ width: values.length, height: 1, channels: 1, data: Uint8Array.from(values) });
const code = (name: string): unknown => expect.objectContaining({ name: "AsmaError", code: name });

describe("readMask", () => {
  it("takes grey values below the number of classes as classes", async () => {
    const mask = await readMask(await grey(0, 1, 2, 1), { classes: 3 });
    expect(mask).toEqual({ data: Int32Array.of(0, 1, 2, 1), dims: [1, 4] });
  });

  it("reads what writeLabelPng wrote", async () => {
    const labels = { data: Int32Array.of(0, 5, 255, 1, 2, 3), dims: [2, 3] as const };
    await writeLabelPng(join(folder, "labels.png"), labels);
    expect(await readMask(join(folder, "labels.png"), { classes: 6, ignoreLabel: 255 })).toEqual(
      labels,
    );
    const many = { data: Int32Array.of(0, 256, 65_535, 1), dims: [2, 2] as const };
    await writeLabelPng(join(folder, "labels.png"), many);
    expect(await readMask(join(folder, "labels.png"), { classes: 65_536 })).toEqual(many);
    for (const label of [65_536, -1]) {
      expect(() => encodeLabelPng({ data: Int32Array.of(label), dims: [1, 1] })).toThrow(
        code("ERR_MASK_VALUES"),
      );
    }
  });

  it("takes white as class 1 of two, and an ignore label as it is", async () => {
    expect([...(await readMask(await grey(0, 255), { classes: 2 })).data]).toEqual([0, 1]);
    expect([
      ...(await readMask(await grey(0, 255, 1), { classes: 2, ignoreLabel: 255 })).data,
    ]).toEqual([0, 255, 1]);
    expect([
      ...(await readMask(await grey(0, 255, 7), { classes: 2, ignoreLabel: 7 })).data,
    ]).toEqual([0, 1, 7]);
    const deep = {
      width: 2,
      height: 1,
      channels: 1,
      depth: 16 as const,
      data: Uint16Array.of(0, 65_535),
    };
    expect([...(await readMask(await png(deep), { classes: 2 })).data]).toEqual([0, 1]);
  });

  it("needs a threshold for anti-aliased masks", async () => {
    const path = await grey(0, 13, 20, 21, 255);
    await expect(readMask(path, { classes: 2 })).rejects.toThrow(
      /Expected the labels 0 and 1, or 0 and 255.*grey values 0, 13, 20, 21, 255: .*`threshold: 20`.*`classMap`/,
    );
    expect([...(await readMask(path, { classes: 2, threshold: 20 })).data]).toEqual([
      0, 0, 0, 1, 1,
    ]);
    const many = await grey(...Array.from({ length: 200 }, (_, k) => k));
    await expect(readMask(many, { classes: 2 })).rejects.toThrow(
      /0, 1, 2, 3, 4, 5, 6, 7, … 199 \(200 values\)/,
    );
  });

  it("names the class that the model lacks", async () => {
    await expect(readMask(await grey(0, 4), { classes: 3 })).rejects.toThrow(
      /the model has 3.*asks for class 4/,
    );
    await expect(readMask(await grey(0, 4), { classes: 3 })).rejects.toThrow(
      code("ERR_TARGET_CLASS"),
    );
  });

  it("reads palette indices, not colours, at every depth", async () => {
    const colours = Array.from({ length: 256 }, (_, k) => [255 - k, 9, k]);
    const image = {
      width: 4,
      height: 1,
      channels: 1,
      data: Uint8Array.of(3, 0, 1, 2),
      palette: colours,
    };
    expect([...(await readMask(await png(image), { classes: 4 })).data]).toEqual([3, 0, 1, 2]);
    await expect(readMask(await png(image), { classes: 2, threshold: 1 })).rejects.toThrow(
      code("ERR_TARGET_CLASS"),
    );
    for (const [depth, byte] of [
      [1, 0b01100000],
      [2, 0b00010100],
      [4, 0x01],
    ] as const) {
      const small = {
        ...image,
        width: 8 / depth,
        depth,
        data: Uint8Array.of(byte),
        palette: colours.slice(0, 2),
      };
      const { data } = await readMask(await png(small), { classes: 2 });
      expect([...data].slice(0, 2), `${depth} bits`).toEqual([0, 1]);
    }
    const classMap = { "3": 1, "#ff0900": 0, "#FE0901": 0, "2": 1 };
    expect([...(await readMask(await png(image), { classes: 2, classMap })).data]).toEqual([
      1, 0, 0, 1,
    ]);
  });

  it("maps colours and grey values, and asks for those that are missing", async () => {
    const path = await png({
      width: 2,
      height: 1,
      channels: 3,
      data: Uint8Array.of(255, 0, 0, 0, 0, 0),
    });
    const classMap = { "#FF0000": 1, "#000000": 0 };
    expect([...(await readMask(path, { classes: 2, classMap })).data]).toEqual([1, 0]);
    await expect(readMask(path, { classes: 2 })).rejects.toThrow(
      /colours #000000, #ff0000: .*`classMap`/,
    );
    await expect(readMask(path, { classes: 2, classMap: { "#ff0000": 1 } })).rejects.toThrow(
      /none for #000000/,
    );
    await expect(readMask(path, { classes: 2, classMap: { "#ff0000": 2 } })).rejects.toThrow(
      code("ERR_TARGET_CLASS"),
    );
    const values = { "0": 0, "128": 1, "255": 2 };
    const three = await readMask(await grey(128, 255, 0), { classes: 3, classMap: values });
    expect([...three.data]).toEqual([1, 2, 0]);
    await expect(readMask(await grey(3), { classes: 3, classMap: values })).rejects.toThrow(
      code("ERR_MASK_VALUES"),
    );
  });

  it("takes grey stored as RGB, opaque alpha and other lossless formats", async () => {
    const rgb = { width: 2, height: 1, channels: 3, data: Uint8Array.of(0, 0, 0, 255, 255, 255) };
    expect([...(await readMask(await png(rgb), { classes: 2 })).data]).toEqual([0, 1]);
    const alpha = { width: 2, height: 1, channels: 2, data: Uint8Array.of(0, 255, 1, 255) };
    expect([...(await readMask(await png(alpha), { classes: 2 })).data]).toEqual([0, 1]);
    alpha.data[1] = 0;
    await expect(readMask(await png(alpha), { classes: 2 })).rejects.toThrow(
      code("ERR_IMAGE_ALPHA"),
    );
    const bitmap = { data: Buffer.alloc(64, 255), width: 4, height: 4 };
    await writeFile(
      join(folder, "m.bmp"),
      await Jimp.fromBitmap({ ...bitmap }).getBuffer("image/bmp"),
    );
    expect((await readMask(join(folder, "m.bmp"), { classes: 2 })).data).toEqual(
      new Int32Array(16).fill(1),
    );
  });

  it("refuses JPEG", async () => {
    const bytes = await Jimp.fromBitmap({
      data: Buffer.alloc(64, 255),
      width: 4,
      height: 4,
    }).getBuffer("image/jpeg");
    await writeFile(join(folder, "m.png"), bytes);
    await expect(readMask(join(folder, "m.png"), { classes: 2 })).rejects.toThrow(
      code("ERR_IMAGE_LOSSY"),
    );
  });

  it("takes .npy with an axis of one entry at either end, and whole numbers in floating point", async () => {
    const path = join(folder, "m.npy");
    for (const dims of [
      [2, 3, 1],
      [1, 2, 3, 1],
      [1, 1, 2, 3],
    ]) {
      const data = Float32Array.of(0, 1, 2, 2, 1, 0);
      await writeNpy(path, { data, dims });
      expect(await readMask(path, { classes: 3 })).toEqual({
        data: Int32Array.from(data),
        dims: [2, 3],
      });
    }
    await writeNpy(path, { data: Float32Array.of(0, 0.5), dims: [1, 2] });
    await expect(readMask(path, { classes: 3 })).rejects.toThrow(
      /holds fractions: .*argmax.*> 0\.5/,
    );
  });

  it("reads integer .npy and refuses others", async () => {
    const path = join(folder, "m.npy");
    for (const dims of [
      [2, 3],
      [1, 2, 3],
      [1, 1, 2, 3],
    ]) {
      await writeNpy(path, { data: Int32Array.of(0, 1, 2, 2, 1, 0), dims });
      expect(await readMask(path, { classes: 3 })).toMatchObject({
        dims: [2, 3],
        data: Int32Array.of(0, 1, 2, 2, 1, 0),
      });
    }
    await writeNpy(path, { data: Int32Array.of(-1, 0), dims: [1, 2] });
    await expect(readMask(path, { classes: 3 })).rejects.toThrow(code("ERR_TARGET_CLASS"));
    expect([...(await readMask(path, { classes: 3, ignoreLabel: -1 })).data]).toEqual([-1, 0]);
    await writeNpy(path, { data: Float32Array.of(0, 0.5, 1, 2), dims: [2, 2] });
    await expect(readMask(path, { classes: 3 })).rejects.toThrow(code("ERR_ARRAY_DTYPE"));
    await writeNpy(path, { data: new Uint8Array(8), dims: [2, 2, 2] });
    await expect(readMask(path, { classes: 3 })).rejects.toThrow(code("ERR_ARRAY_SHAPE"));
  });
});

describe("readMask, of palettes", () => {
  const indexed = (palette: number[][], ...indices: number[]): Promise<string> =>
    png({ width: indices.length, height: 1, channels: 1, data: Uint8Array.from(indices), palette });
  const [white, black, red, grey200] = [
    [255, 255, 255],
    [0, 0, 0],
    [255, 0, 0],
    [200, 200, 200],
  ] as [number[], number[], number[], number[]];

  it("takes white as class 1 of two where a palette is black and white only", async () => {
    for (const palette of [
      [white, black],
      [white, black, black, black],
    ]) {
      const mask = await readMask(await indexed(palette, 0, 1, 1), { classes: 2 });
      expect([...mask.data]).toEqual([1, 0, 0]);
    }
    const ordered = await readMask(await indexed([black, white], 0, 1, 1), { classes: 2 });
    expect([...ordered.data]).toEqual([0, 1, 1]);
    // One colour alone.
    expect([...(await readMask(await indexed([white, black], 0, 0), { classes: 2 })).data]).toEqual(
      [1, 1],
    );
    // Indices that are no labels, of a palette that has other colours too.
    const sparse = await indexed([red, black, red, white], 1, 3);
    expect([...(await readMask(sparse, { classes: 2 })).data]).toEqual([0, 1]);
  });

  it("asks which is meant where indices and black and white say different things", async () => {
    const more = await indexed([white, black, red], 0, 1);
    await expect(readMask(more, { classes: 2 })).rejects.toThrow(code("ERR_MASK_VALUES"));
    const classMap = { "#ffffff": 0, "#000000": 1 };
    expect([...(await readMask(more, { classes: 2, classMap })).data]).toEqual([0, 1]);
    expect([...(await readMask(more, { classes: 3 })).data]).toEqual([0, 1]);
    // Of three classes white alone names none.
    const two = await indexed([white, black], 0, 1);
    await expect(readMask(two, { classes: 3 })).rejects.toThrow(code("ERR_MASK_VALUES"));
    expect([...(await readMask(await indexed([black, white], 0, 1), { classes: 3 })).data]).toEqual(
      [0, 1],
    );
  });

  it("applies a threshold to greys of a palette, and refuses it for colours", async () => {
    const greys = await indexed([grey200, black, white], 0, 1, 2);
    expect([...(await readMask(greys, { classes: 3, threshold: 220 })).data]).toEqual([0, 0, 1]);
    expect([...(await readMask(greys, { classes: 3 })).data]).toEqual([0, 1, 2]);
    const coloured = await indexed([black, red], 0, 1);
    await expect(readMask(coloured, { classes: 2, threshold: 100 })).rejects.toThrow(
      /grey values for `threshold` in the mask .*the palette indices 0, 1: leave/,
    );
  });
});

describe("readMask, with options", () => {
  it("applies a threshold to labels too, and to .npy", async () => {
    const labels = await grey(0, 1, 2, 1);
    expect([...(await readMask(labels, { classes: 3, threshold: 0 })).data]).toEqual([0, 1, 1, 1]);
    const kept = await readMask(labels, { classes: 3, threshold: 0, ignoreLabel: 2 });
    expect([...kept.data]).toEqual([0, 1, 2, 1]);
    const path = join(folder, "t.npy");
    await writeNpy(path, { data: Int32Array.of(0, 1, 2), dims: [1, 3] });
    expect([...(await readMask(path, { classes: 3, threshold: 1 })).data]).toEqual([0, 0, 1]);
  });

  it("refuses a threshold beside a class map, and for colours", async () => {
    const both = { classes: 2, threshold: 1, classMap: { "*": 1 } } as const;
    await expect(readMask(await grey(0, 1), both)).rejects.toThrow(code("ERR_OPTION"));
    const data = Uint8Array.of(255, 0, 0, 0, 0, 0);
    const path = await png({ width: 2, height: 1, channels: 3, data });
    await expect(readMask(path, { classes: 2, threshold: 1 })).rejects.toThrow(
      code("ERR_MASK_VALUES"),
    );
  });

  it("refuses what has no effect", async () => {
    const labels = await grey(0, 1);
    for (const threshold of [255, 300, -1]) {
      await expect(readMask(labels, { classes: 2, threshold })).rejects.toThrow(
        /less than 255, which is white,.*`threshold: /,
      );
    }
    const bits = { width: 8, height: 1, channels: 1, depth: 1 as const, data: Uint8Array.of(5) };
    await expect(readMask(await png(bits), { classes: 2, threshold: 127 })).rejects.toThrow(
      /less than 1, which is white/,
    );
    const data = Uint8Array.of(255, 0, 0, 0, 0, 0);
    const path = await png({ width: 2, height: 1, channels: 3, data });
    const classMap = { "#ff0000": 1, "*": 0 };
    await expect(readMask(path, { classes: 2, classMap, ignoreLabel: 255 })).rejects.toThrow(
      /`ignoreLabel: 255`.*#ffffff=ignore/,
    );
    const led = { "#ff0000": 1, "*": 255 };
    const mask = await readMask(path, { classes: 2, classMap: led, ignoreLabel: 255 });
    expect([...mask.data]).toEqual([1, 255]);
  });

  it("refuses numbers of classes that are none", async () => {
    const path = await grey(0, 1);
    for (const options of [{ classes: 1 }, { classes: 2.5 }]) {
      await expect(readMask(path, options as never)).rejects.toThrow(
        /at least 2, for `classes` but found (1|2\.5)/,
      );
    }
  });

  it("maps every other value, or leaves it out", async () => {
    const path = await grey(0, 7, 9, 255);
    const rest = { "7": 1, "*": 0 } as const;
    expect([...(await readMask(path, { classes: 2, classMap: rest })).data]).toEqual([0, 1, 0, 0]);
    const left = { "7": 1, "0": 0, "*": "ignore" } as const;
    expect([...(await readMask(path, { classes: 2, classMap: left })).data]).toEqual([
      0, 1, -1, -1,
    ]);
    // An ignore label comes before the rest.
    const kept = await readMask(path, { classes: 2, classMap: rest, ignoreLabel: 255 });
    expect([...kept.data]).toEqual([0, 1, 0, 255]);
  });

  it("maps transparent pixels where the class map says so", async () => {
    const data = Uint8Array.of(255, 0, 0, 255, 9, 9, 9, 0, 0, 0, 0, 255);
    const path = await png({ width: 3, height: 1, channels: 4, data });
    const classMap = { transparent: "ignore", "#ff0000": 1, "*": 0 } as const;
    expect([...(await readMask(path, { classes: 2, classMap })).data]).toEqual([1, -1, 0]);
    const visible = { transparent: 0, "*": 1 };
    expect([...(await readMask(path, { classes: 2, classMap: visible })).data]).toEqual([1, 0, 1]);
    await expect(readMask(path, { classes: 2, classMap: { "*": 1 } })).rejects.toThrow(
      code("ERR_IMAGE_ALPHA"),
    );
    // Half seen is neither.
    data[7] = 3;
    const half = await png({ width: 3, height: 1, channels: 4, data });
    await expect(readMask(half, { classes: 2, classMap })).rejects.toThrow(code("ERR_IMAGE_ALPHA"));
    const opaque = await grey(0, 1);
    const both = { transparent: 0, "0": 0, "1": 1 };
    expect([...(await readMask(opaque, { classes: 2, classMap: both })).data]).toEqual([0, 1]);
  });

  it("refuses class maps that no value has", async () => {
    const path = await grey(0, 1);
    for (const key of ["red", "#ff00", "", "1.5", "0x1"]) {
      const classMap = { [key]: 1, "*": 0 };
      await expect(readMask(path, { classes: 2, classMap }), key).rejects.toThrow(
        code("ERR_OPTION"),
      );
    }
    const twice = { "#FF0000": 1, "#ff0000": 0 };
    await expect(readMask(path, { classes: 2, classMap: twice })).rejects.toThrow(
      code("ERR_OPTION"),
    );
  });

  it("refuses colours of 16 bits that 8 do not hold", async () => {
    const colours = (...data: number[]): Promise<string> =>
      png({ width: 1, height: 1, channels: 3, depth: 16, data: Uint16Array.from(data) });
    const classMap = { "#ff0001": 1 };
    expect([
      ...(await readMask(await colours(65_535, 0, 257), { classes: 2, classMap })).data,
    ]).toEqual([1]);
    await expect(readMask(await colours(65_535, 0, 258), { classes: 2, classMap })).rejects.toThrow(
      code("ERR_MASK_VALUES"),
    );
  });
});
