import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

describe.skipIf(!hasBrowser)("an attack in the browser, on WebAssembly", () => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage();
  });
  afterAll(async () => await opened.close());

  it(
    "draws the wanted disc, as the untouched model does on the PNG",
    { timeout: 400_000 },
    async () => {
      const found = await opened.page.evaluate(async () => {
        const { loadModel, disc } = onnxAsma;
        const model = await loadModel("/optic-disc.onnx", { device: "wasm", preprocessor: false });
        const image = await model.readImage(await (await fetch("/retina.jpg")).blob());
        const description = await model.describe([image.dims[2], image.dims[3]]);
        const target = disc([image.dims[2], image.dims[3]], [420, 560], 130);
        const run = await model.attack(image, target);
        const steps: { step: number; iou: number; milliseconds: number }[] = [];
        for await (const { step, iou, milliseconds } of run) {
          steps.push({ step, iou, milliseconds });
        }
        const { best, reached, stopReason, attack, options } = await run.result;
        const png = await model.encode(best.image);
        const verdict = await model.verify(png, target, { original: image });
        await model.release();
        return {
          backend: model.backend,
          attack: attack.name,
          options,
          dims: image.dims,
          grid: description.grid.size,
          steps,
          reached,
          stopReason,
          best: best.iou,
          verdict: { iou: verdict.iou, reached: verdict.reached, linf: verdict.linf },
          threads: navigator.hardwareConcurrency,
        };
      });
      expect(found.backend).toMatchObject({ device: "wasm", threads: Math.min(8, found.threads) });
      expect(found).toMatchObject({ reached: true, stopReason: "reached", attack: "asma" });
      expect(found.options).toMatchObject({ iouThreshold: 0.95, levels: 256, iterations: 500 });
      expect(found.steps.map(({ step }) => step)).toEqual(found.steps.map((_, i) => i));
      expect(found.best).toBeGreaterThanOrEqual(0.95);
      expect(found.verdict.reached).toBe(true);
      expect(found.verdict.iou).toBeCloseTo(found.best, 6);
      expect(opened.complaints).toEqual([]);
    },
  );
});
