import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng as encodeInNode, readImage } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import { golden } from "../support/golden-scene.ts";
import { buildPng, everyPngKind, zlibBomb } from "../support/png-kinds.ts";
import { build, conv } from "../support/segmentation-models.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;
declare const model: Api.LoadedModel;
declare const greyModel: Api.LoadedModel;
declare function codeOf(task: () => Promise<unknown>): Promise<string>;

/** Every pair of values an 8-bit channel can have beside another. */
const side = 32;
const values = Array.from({ length: 3 * side * side }, (_, i) => (i * 89 + (i >> 8)) % 256);

describe.skipIf(!hasBrowser)("images in the browser", () => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage({ folders: [golden(".")] });
    const grey = build([1, 1, 16, 16], (b, x) => ({ scores: conv(b, x, 2, [0, 0.4]) }));
    await opened.page.evaluate(
      async (greyModel) => {
        Object.assign(globalThis, {
          model: await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" }),
          greyModel: await onnxAsma.loadModel(Uint8Array.from(greyModel), { device: "wasm" }),
          codeOf: async (task: () => Promise<unknown>) => {
            try {
              await task();
              return "none";
            } catch (error) {
              return (error as { code?: string }).code ?? String(error);
            }
          },
        });
      },
      [...grey],
    );
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
          const read = await model.readImage(source);
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
      async (bytes) => [...(await model.readImage(new Blob([Uint8Array.from(bytes)]))).data],
      [...png],
    );
    expect(read).toEqual([...image.data]);
  });

  it("say how many levels they have", async () => {
    const found = await opened.page.evaluate(
      async ({ values, side }) => {
        const dims = [1, 3, side, side] as const;
        const image = { data: Float32Array.from(values, (v) => v / 255), dims };
        const of = async (source: Blob | ImageData) => (await model.readImage(source)).levels;
        const pixels = new ImageData(side, side);
        pixels.data.fill(255);
        const canvas = new OffscreenCanvas(side, side);
        canvas.getContext("2d")?.putImageData(pixels, 0, 0);
        const webp = await canvas.convertToBlob({ type: "image/webp", quality: 1 });
        const bytes = { data: Uint8Array.from(values), dims };
        return [
          await of(new Blob([onnxAsma.encodePng(image)])),
          await of(new Blob([onnxAsma.encodePng(image, { levels: 65_536 })])),
          await of(pixels),
          await of(webp),
          await of(new Blob([onnxAsma.encodeNpy(bytes)])),
          await of(new Blob([onnxAsma.encodeNpy({ data: Uint16Array.from(values), dims })])),
          await of(new Blob([onnxAsma.encodeNpy(image)])),
        ];
      },
      { values, side },
    );
    expect(found).toEqual([256, 65_536, 256, 256, 256, 65_536, Infinity]);
  });

  it("come from PNGs of every kind as in Node, or are refused in the same words", async () => {
    const folder = await mkdtemp(join(tmpdir(), "onnx-asma-png-"));
    const outcomes = new Set<string>();
    for (const kind of everyPngKind()) {
      const bytes = buildPng(kind);
      const path = join(folder, "x.png");
      await writeFile(path, bytes);
      for (const channels of [1, 3]) {
        const inNode = await readImage(path, { channels }).then(
          ({ data, dims, levels }) => ({ data: [...data], dims, levels }),
          (error: Error & { code: string }) => ({
            code: error.code,
            message: error.message.replace(path, "x.png"),
          }),
        );
        const inBrowser = await opened.page.evaluate(
          async ({ bytes, channels }) => {
            try {
              const file = new File([Uint8Array.from(bytes)], "x.png");
              const reader = channels === 1 ? greyModel : model;
              const { data, dims, levels } = await reader.readImage(file);
              return { data: [...data], dims, levels };
            } catch (error) {
              const { code, message } = error as Error & { code: string };
              return { code, message };
            }
          },
          { bytes: [...bytes], channels },
        );
        const { colour, depth, interlaced } = kind;
        expect(inBrowser, `${colour} ${depth} ${interlaced} for ${channels}`).toEqual(inNode);
        outcomes.add("code" in inNode ? inNode.code : "read");
      }
    }
    await rm(folder, { recursive: true });
    expect(outcomes).toEqual(new Set(["read", "ERR_IMAGE_CHANNELS", "ERR_IMAGE_ALPHA"]));
  });

  it("are refused when a PNG inflates far beyond its size, holding little of it", async () => {
    const header = { height: 10, width: 10, depth: 8, colour: "rgb", sample: () => 0 } as const;
    const bomb = buildPng({ ...header, compressed: zlibBomb(1200) });
    const browser = await opened.browser.newBrowserCDPSession();
    const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
    /** Peak resident bytes of the processes that hold pages and workers. */
    const peak = async () => {
      const renderers = processInfo.filter(({ type }) => type === "renderer");
      const kibibytes = await Promise.all(
        renderers.map(async ({ id }) => {
          const status = await readFile(`/proc/${id}/status`, "utf8");
          return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]);
        }),
      );
      return 1024 * Math.max(...kibibytes);
    };
    // The transfer itself takes memory.
    const read = async (base64: string) =>
      await opened.page.evaluate(async (text) => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        try {
          await model.readImage(new File([bytes], "bomb.png"));
          return "none";
        } catch (error) {
          return (error as Error).message;
        }
      }, base64);
    await read(Buffer.alloc(bomb.length).toString("base64"));
    const before = await peak();
    expect(before).toBeGreaterThan(2 ** 20);
    expect(await read(bomb.toString("base64"))).toBe(
      "Expected a whole PNG but 'bomb.png' is a damaged PNG (its pixel data does not inflate to its size): save it again from the program it came from.",
    );
    expect((await peak()) - before).toBeLessThan(100e6);
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
      const image = await model.readImage(new Blob([Uint8Array.from(turned)]));
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
        const jpegOf = (components: number, extent: number) => {
          const frame = [0xff, 0xd8, 0xff, 0xc0, 0, 20, 8, extent >> 8, extent & 255];
          const rest = [extent >> 8, extent & 255, components, ...new Uint8Array(12)];
          return new Blob([Uint8Array.from([...frame, ...rest, 0xff, 0xda, 0, 2, 0xff, 0xd9])]);
        };
        const read = (source: unknown) =>
          codeOf(() => model.readImage(source as Parameters<typeof model.readImage>[0]));
        return {
          huge: await read(new Blob([huge])),
          damaged: await read(new Blob([damaged])),
          cut: await read(new Blob([png.slice(0, 20)])),
          empty: await read(new Blob([])),
          text: await read(new Blob(["not an image"])),
          transparent: await read(transparent),
          address: await read("/retina.jpg"),
          "grey JPEG": await read(jpegOf(1, 16)),
          "CMYK JPEG": await read(jpegOf(4, 16)),
          "huge JPEG": await read(jpegOf(3, 30_000)),
          "cut JPEG": await read(jpegOf(3, 16).slice(0, 27)),
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
      "grey JPEG": "ERR_IMAGE_CHANNELS",
      "CMYK JPEG": "ERR_IMAGE_COLOUR_SPACE",
      "huge JPEG": "ERR_IMAGE_TOO_LARGE",
      "cut JPEG": "ERR_IMAGE_UNREADABLE",
      "empty canvas": "ERR_IMAGE_UNREADABLE",
      "four channels": "ERR_IMAGE_CHANNELS",
    });
  });
});
