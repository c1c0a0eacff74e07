import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { outcomeOfImage, OutcomeTable, pictureCases, type Reading } from "../support/pictures.ts";
import { build, conv } from "../support/segmentation-models.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;
declare const models: Readonly<Record<1 | 3, Api.LoadedModel>>;

const scale = [0, 0.4];
const modelOf = (channels: number): number[] => [
  ...build([1, channels, 16, 16], (b, x) => ({ scores: conv(b, x, 2, scale) })),
];

/** A file for the page, and which of the models shall read it. */
interface Request {
  readonly name: string;
  readonly base64: string;
  readonly channels: 1 | 3;
}

describe.skipIf(!hasBrowser)("pictures of every kind in the browser", () => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage({});
    await opened.page.evaluate(
      async ({ grey, rgb }) => {
        const load = async (bytes: number[]) =>
          await onnxAsma.loadModel(Uint8Array.from(bytes), { device: "wasm" });
        Object.assign(globalThis, { models: { 1: await load(grey), 3: await load(rgb) } });
      },
      { grey: modelOf(1), rgb: modelOf(3) },
    );
  });
  afterAll(async () => await opened.close());

  const read = async (requests: readonly Request[]): Promise<Reading[]> =>
    await opened.page.evaluate(
      async (files) =>
        await Promise.all(
          files.map(async ({ name, base64, channels }) => {
            const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
            try {
              const image = await models[channels].readImage(new File([bytes], name));
              const { data, dims, levels } = image;
              return { data: [...data], dims, levels: levels === Infinity ? -1 : levels };
            } catch (error) {
              return { code: String((error as { code?: string }).code ?? error) };
            }
          }),
        ),
      requests,
    );

  it("are read as other programs do, or refused by name", { timeout: 120_000 }, async () => {
    const cases = pictureCases();
    const table = new OutcomeTable();
    for (let at = 0; at < cases.length; at += 100) {
      const batch = cases.slice(at, at + 100);
      const readings = await read(
        batch.map(({ name, bytes, image }) => ({
          name,
          base64: bytes.toString("base64"),
          channels: image?.dims.length === 2 ? 1 : 3,
        })),
      );
      batch.forEach((picture, k) => {
        const reading = readings[k] as Reading;
        const whole = "code" in reading || reading.levels !== -1;
        const found = whole ? reading : { ...reading, levels: Infinity };
        table.add(picture.kind, outcomeOfImage(picture, found), picture.name);
      });
    }
    console.table(table.counts());
    expect(table.names("different")).toEqual([]);
    const isImage = new Set(cases.filter(({ image }) => image).map(({ name }) => name));
    expect(table.refusals((name) => isImage.has(name))).toEqual({
      "tiff lzma": 20,
      "tiff lerc": 10,
      // Decoded by sharp in Node; browsers do not.
      "tiff ccitt": 6,
      "jpeg lossless": 1,
      // Of one pixel: whether its end is there cannot be told.
      "jpeg arithmetic": 1,
    });
  });
});
