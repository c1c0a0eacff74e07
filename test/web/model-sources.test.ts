import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy, imageFromNpy } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import { golden, unet } from "../support/golden-scene.ts";
import { volumeModel } from "../support/segmentation-models.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

/** Content of a preprocessor_config.json that is told by its mean. */
const configOf = (mean: number) =>
  JSON.stringify({ do_resize: false, image_mean: [mean, mean, mean], image_std: [0.5, 0.5, 0.5] });

/** What the server has, by path; models lie everywhere. */
const configs: Readonly<Record<string, string>> = {
  "/beside/preprocessor_config.json": configOf(0.25),
  "/above/preprocessor_config.json": configOf(0.125),
  "/page/preprocessor_config.json": "<!doctype html>",
  "/broken/preprocessor_config.json": "{ do_resize",
  "/elsewhere.json": configOf(0.75),
};

const fixtures = new URL("../training-graph/", import.meta.url).pathname;

describe.skipIf(!hasBrowser)("what an attack in the browser is made from", () => {
  let opened: OpenPage;
  const requests: string[] = [];
  beforeAll(async () => {
    opened = await openPage({
      folders: [golden("."), fixtures],
      onRequest: (url) => requests.push(new URL(url).pathname),
      intercept: (path, response) => {
        const config = configs[path];
        if (config !== undefined) {
          const type = config.startsWith("<") ? "text/html" : "application/json";
          response.writeHead(200, { "content-type": type }).end(config);
          return true;
        }
        if (path.endsWith("/unet-legacy.onnx")) {
          response.writeHead(200).end(readFileSync(unet));
          return true;
        }
        return undefined;
      },
    });
  });
  afterAll(async () => await opened.close());

  it("keeps a model for the next visit where that is wanted, and tells how far it is", async () => {
    const load = async (cache: boolean) =>
      await opened.page.evaluate(async (cached) => {
        const told: Api.LoadProgress[] = [];
        const model = await onnxAsma.loadModel("/unet-dynamo.onnx", {
          device: "wasm",
          cache: cached,
          onProgress: (progress) => told.push(progress),
        });
        const { grid } = await model.describe();
        await model.release();
        return { told, size: grid.size };
      }, cache);
    const count = (path: string) => requests.filter((one) => one === path).length;
    const first = await load(true);
    expect(first.size).toEqual([52, 52]);
    const bytes = readFileSync(golden("unet-dynamo.onnx")).length;
    expect(first.told).toContainEqual({ phase: "model", loaded: bytes, total: bytes });
    expect([count("/unet-dynamo.onnx"), count("/unet-dynamo.onnx.data")]).toEqual([1, 1]);
    expect((await load(true)).size).toEqual([52, 52]);
    expect([count("/unet-dynamo.onnx"), count("/unet-dynamo.onnx.data")]).toEqual([1, 1]);
    await load(false);
    expect([count("/unet-dynamo.onnx"), count("/unet-dynamo.onnx.data")]).toEqual([2, 2]);
  });

  it.each([
    ["beside its address", "/beside/unet-legacy.onnx", {}, 0.25],
    ["above a folder onnx", "/above/onnx/unet-legacy.onnx", {}, 0.125],
    ["where it is told", "/beside/unet-legacy.onnx", { preprocessor: "/elsewhere.json" }, 0.75],
    ["nowhere, as told", "/beside/unet-legacy.onnx", { preprocessor: false }, 0],
    ["nowhere above another folder", "/above/other/unet-legacy.onnx", {}, 0],
    ["nowhere when the server has none", "/none/unet-legacy.onnx", {}, 0],
    ["nowhere when the server answers with a page", "/page/unet-legacy.onnx", {}, 0],
  ] as const)("reads a model's preprocessor_config.json %s", async (_, path, options, mean) => {
    const found = await opened.page.evaluate(
      async ({ path, options }) => {
        const model = await onnxAsma.loadModel(path, { device: "wasm", ...options });
        const { preprocessing } = await model.describe([92, 92]);
        await model.release();
        return preprocessing.mean[0] ?? 0;
      },
      { path, options },
    );
    expect(found).toBe(mean);
  });

  it("reads a preprocessor_config.json among a model's files, and names a broken one", async () => {
    const found = await opened.page.evaluate(async (config) => {
      const { loadModel } = onnxAsma;
      const model = await (await fetch("/none/unet-legacy.onnx")).blob();
      const name = "preprocessor_config.json";
      const meanOf = async (...parameters: Parameters<typeof loadModel>) => {
        const [source, options] = parameters;
        const loaded = await loadModel(source, { device: "wasm", ...options });
        const { preprocessing } = await loaded.describe([92, 92]);
        await loaded.release();
        return preprocessing.mean[0] ?? 0;
      };
      const codeOf = async (...parameters: Parameters<typeof loadModel>) =>
        await meanOf(...parameters).then(
          () => "none",
          (error: Api.AsmaError) => error.code,
        );
      const file = new File([config], name);
      return [
        await meanOf({ model, externalData: { [name]: file } }),
        await meanOf({ model, externalData: [file] }),
        await meanOf({ model, externalData: [file] }, { preprocessor: false }),
        await meanOf(model, { preprocessor: file }),
        await codeOf("/broken/unet-legacy.onnx"),
        await codeOf({ model, externalData: [new File(["{"], name)] }),
        await codeOf(model, { preprocessor: "/none.json" }),
      ];
    }, configOf(0.25));
    expect(found).toEqual([
      0.25,
      0.25,
      0,
      0.25,
      "ERR_PREPROCESSOR",
      "ERR_PREPROCESSOR",
      "ERR_FILE_NOT_FOUND",
    ]);
  });

  it("follows a training graph as it follows its own gradient", async () => {
    const found = await opened.page.evaluate(async () => {
      const image = {
        data: new Float32Array(3 * 76 * 76).map((_, i) => ((i * 37) % 256) / 255),
        dims: [1, 3, 76, 76] as const,
      };
      const follow = async (options: Api.LoadModelOptions) => {
        const model = await onnxAsma.loadModel("/unet3.onnx", { device: "wasm", ...options });
        const target = onnxAsma.disc([36, 36], [18, 18], 8);
        const run = await model.attack(image, target, { iterations: 5, earlyStop: false });
        const { trajectory } = await run.result;
        await model.release();
        return trajectory.map(({ l2 }) => l2);
      };
      const weights = await (await fetch("/unet3.onnx")).blob();
      return {
        own: await follow({}),
        theirs: await follow({
          trainingGraph: {
            model: "/unet3.training.onnx",
            externalData: { "unet3.onnx": weights },
          },
        }),
      };
    });
    expect(found.own.at(-1)).toBeGreaterThan(0);
    found.own.forEach((l2, n) => {
      expect(Math.abs((found.theirs[n] as number) - l2)).toBeLessThanOrEqual(1e-4 * l2);
    });
  });

  it("attacks a volume from bytes, read from and saved as .npy", async () => {
    const size = [4, 10, 12] as const;
    const values = Uint8Array.from({ length: 480 }, (_, i) => (i * 31 + i * i * 7) % 251);
    const found = await opened.page.evaluate(
      async ({ model, npy, size }) => {
        const { loadModel, disc } = onnxAsma;
        const loaded = await loadModel(Uint8Array.from(model), { device: "wasm" });
        const image = await loaded.readImage(new File([Uint8Array.from(npy)], "volume.npy"));
        const target = disc(size, [2, 5, 6], 2.4);
        const run = await loaded.attack(image, target);
        const { best, reached } = await run.result;
        const bytes = await loaded.encode(best.image);
        const verdict = await loaded.verify(bytes, target, { original: image });
        const refused = await loaded.readImage(new ImageData(4, 4)).then(
          () => "none",
          (error: { code: string }) => error.code,
        );
        await loaded.release();
        return {
          dims: image.dims,
          first: image.data[7],
          reached,
          iou: [best.iou, verdict.iou],
          bytes: [...bytes],
          refused,
        };
      },
      {
        model: [...volumeModel(size)],
        npy: [...encodeNpy({ data: values, dims: size })],
        size,
      },
    );
    expect(found.dims).toEqual([1, 1, ...size]);
    expect(found.first).toBeCloseTo((values[7] as number) / 255, 6);
    expect(found.reached).toBe(true);
    expect(found.iou[1]).toBeCloseTo(found.iou[0] as number, 6);
    const saved = imageFromNpy(Uint8Array.from(found.bytes), "saved", {
      channels: 1,
      spatialAxes: 3,
    });
    expect(saved.dims).toEqual(found.dims);
    expect(found.refused).toBe("ERR_ARRAY_SHAPE");
  });
});
