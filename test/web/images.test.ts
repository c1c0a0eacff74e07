import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng as encodeInNode } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import { golden } from "../support/golden-scene.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;
declare const attack: Api.Attack;
declare function codeOf(task: () => Promise<unknown>): Promise<string>;

/** Every pair of values an 8-bit channel can have beside another. */
const side = 32;
const values = Array.from({ length: 3 * side * side }, (_, i) => (i * 89 + (i >> 8)) % 256);

describe.skipIf(!hasBrowser)("images in the browser", () => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage({ folders: [golden(".")] });
    await opened.page.evaluate(async () => {
      Object.assign(globalThis, {
        attack: await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" }),
        codeOf: async (task: () => Promise<unknown>) => {
          try {
            await task();
            return "none";
          } catch (error) {
            return (error as { code?: string }).code ?? String(error);
          }
        },
      });
    });
  });
  afterAll(async () => await opened.close());

  it("come back bit for bit from every kind of source", async () => {
    const differences = await opened.page.evaluate(
      async ({ values, side }) => {
        const dims = [1, 3, side, side] as const;
        const image = { data: Float32Array.from(values, (v) => v / 255), dims };
        const pixels = new ImageData(side, side);
        for (let i = 0; i < side * side; i++) {
          for (let c = 0; c < 3; c++) {
            pixels.data[4 * i + c] = values[c * side * side + i] as number;
          }
          pixels.data[4 * i + 3] = 255;
        }
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [side, side];
        canvas.getContext("2d")?.putImageData(pixels, 0, 0);
        const offscreen = new OffscreenCanvas(side, side);
        offscreen.getContext("2d")?.putImageData(pixels, 0, 0);
        const bitmap = await createImageBitmap(pixels);
        const sources = {
          png: new Blob([onnxAsma.encodePng(image)]),
          file: new File([onnxAsma.encodePng(image)], "image.png", { type: "image/png" }),
          pixels,
          canvas,
          offscreen,
          bitmap,
          "the bitmap again": bitmap,
        };
        const found: Record<string, number> = {};
        for (const [name, source] of Object.entries(sources)) {
          const read = await attack.readImage(source);
          found[name] = read.data.filter((v, i) => v !== image.data[i]).length;
        }
        return found;
      },
      { values, side },
    );
    expect(differences).toEqual({
      png: 0,
      file: 0,
      pixels: 0,
      canvas: 0,
      offscreen: 0,
      bitmap: 0,
      "the bitmap again": 0,
    });
  });

  it("keep 16 bits", async () => {
    const image = {
      data: Float32Array.from(values, (v, i) => ((v * 257 + i) % 65_536) / 65_535),
      dims: [1, 3, side, side] as const,
    };
    const png = encodeInNode(image, { levels: 65_536 });
    const read = await opened.page.evaluate(
      async (bytes) => [...(await attack.readImage(new Blob([Uint8Array.from(bytes)]))).data],
      [...png],
    );
    expect(read).toEqual([...image.data]);
  });

  it("are turned as their EXIF orientation says", async () => {
    const dims = await opened.page.evaluate(async () => {
      const canvas = new OffscreenCanvas(40, 24);
      const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
      context.fillStyle = "#fff";
      context.fillRect(0, 0, 20, 24);
      const jpeg = new Uint8Array(
        await (await canvas.convertToBlob({ type: "image/jpeg", quality: 1 })).arrayBuffer(),
      );
      // APP1 with one entry: orientation 6, a quarter turn clockwise.
      const exif = [0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 0x2a, 0, 0, 0];
      const entry = [8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
      const turned = [...jpeg.subarray(0, 2), ...exif, ...entry, ...jpeg.subarray(2)];
      const image = await attack.readImage(new Blob([Uint8Array.from(turned)]));
      const [, , height, width] = image.dims;
      return { height, width, top: image.data[0], bottom: image.data[(height - 1) * width] };
    });
    expect(dims).toMatchObject({ height: 40, width: 24 });
    expect(dims.top).toBeGreaterThan(0.98);
    expect(dims.bottom).toBeLessThan(0.02);
  });

  it("are refused by name", async () => {
    const codes = await opened.page.evaluate(
      async ({ values, side }) => {
        const image = {
          data: Float32Array.from(values, (v) => v / 255),
          dims: [1, 3, side, side] as const,
        };
        const png = onnxAsma.encodePng(image);
        const huge = png.slice();
        new DataView(huge.buffer).setUint32(16, 60_000);
        new DataView(huge.buffer).setUint32(20, 60_000);
        const damaged = png.slice();
        damaged.fill(7, 60, 90);
        const transparent = new ImageData(side, side);
        const read = (source: unknown) =>
          codeOf(() => attack.readImage(source as Parameters<typeof attack.readImage>[0]));
        return {
          huge: await read(new Blob([huge])),
          damaged: await read(new Blob([damaged])),
          cut: await read(new Blob([png.slice(0, 20)])),
          empty: await read(new Blob([])),
          text: await read(new Blob(["not an image"])),
          transparent: await read(transparent),
          address: await read("/retina.jpg"),
          "empty canvas": await read(Object.assign(document.createElement("canvas"), { width: 0 })),
          "four channels": await codeOf(async () =>
            onnxAsma.encodePng({ data: new Float32Array(4), dims: [1, 4, 1, 1] }),
          ),
        };
      },
      { values, side },
    );
    expect(codes).toEqual({
      huge: "ERR_IMAGE_TOO_LARGE",
      damaged: "ERR_IMAGE_UNREADABLE",
      cut: "ERR_IMAGE_UNREADABLE",
      empty: "ERR_IMAGE_UNREADABLE",
      text: "ERR_IMAGE_UNREADABLE",
      transparent: "ERR_IMAGE_ALPHA",
      address: "ERR_IMAGE_UNREADABLE",
      "empty canvas": "ERR_IMAGE_UNREADABLE",
      "four channels": "ERR_IMAGE_CHANNELS",
    });
  });
});
