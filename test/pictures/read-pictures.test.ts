import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readImage, readMask } from "@onnx-asma/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  outcomeOfImage,
  outcomeOfMask,
  OutcomeTable,
  pictureCases,
  type PictureCase,
  type Reading,
} from "../support/pictures.ts";

const cases = pictureCases();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pictures-"));
  await Promise.all(cases.map(({ name, bytes }) => writeFile(join(folder, name), bytes)));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function codeOr<Read>(read: Promise<Read>): Promise<Read | { code: string }> {
  return await read.catch((error: Error & { code?: string }) => ({
    code: error.name === "AsmaError" ? (error.code as string) : String(error),
  }));
}

async function imageOf({ name, image }: PictureCase): Promise<Reading> {
  const channels = image?.dims.length === 2 ? 1 : 3;
  const reading = await codeOr(readImage(join(folder, name), { channels }));
  // What is to be refused is so for models of any channels.
  if (image !== undefined || !("code" in reading)) return reading;
  return await codeOr(readImage(join(folder, name), { channels: 1 }));
}

describe("pictures of every kind", () => {
  it("are read as other programs do, or refused by name", { timeout: 60_000 }, async () => {
    const table = new OutcomeTable();
    for (const picture of cases) {
      table.add(picture.kind, outcomeOfImage(picture, await imageOf(picture)), picture.name);
    }
    console.table(table.counts());
    expect(table.names("different")).toEqual([]);
    const isImage = new Set(cases.filter(({ image }) => image).map(({ name }) => name));
    // Methods that no library of ours unpacks.
    expect(table.refusals((name) => isImage.has(name))).toEqual({
      "tiff lzma": 20,
      "tiff lerc": 10,
    });
  });

  it("say of how many pages they are the first", async () => {
    const pagesOf = async (name: string) =>
      (await readImage(join(folder, name), { channels: 3 })).pages;
    expect(await pagesOf("pages-5.tif")).toBe(5);
    expect(await pagesOf("animated.gif")).toBe(3);
    expect(await pagesOf("animated.webp")).toBe(3);
    expect(await pagesOf("rgba-opaque.tif")).toBeUndefined();
  });

  it(
    "are read as masks of the integers that they store, or refused",
    { timeout: 60_000 },
    async () => {
      const table = new OutcomeTable();
      for (const picture of cases) {
        const reading = await codeOr(readMask(join(folder, picture.name), { classes: 2 ** 31 }));
        table.add(picture.kind, outcomeOfMask(picture, reading), picture.name);
      }
      console.table(table.counts());
      expect(table.names("different")).toEqual([]);
      const isMask = new Set(cases.filter(({ mask }) => mask).map(({ name }) => name));
      expect(table.refusals((name) => isMask.has(name))).toEqual({
        "tiff lzma": 12,
        "tiff lerc": 6,
        // No class is below 0.
        "tiff signed below 0": 12,
        // Which of the frames?
        "gif animated": 1,
      });
    },
  );
});
