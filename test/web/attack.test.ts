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

  it("draws the wanted disc, and so does the untouched model on the PNG", async () => {
    const found = await opened.page.evaluate(async () => {
      const { createAttack, disc, encodePng } = onnxAsma;
      const attack = await createAttack("/optic-disc.onnx", { device: "wasm", levels: 256 });
      const image = await attack.readImage(await (await fetch("/retina.jpg")).blob());
      const description = await attack.describe([image.dims[2], image.dims[3]]);
      const target = disc([image.dims[2], image.dims[3]], [420, 560], 130);
      const run = await attack.run(image, target, { iouThreshold: 0.95 });
      const steps: { step: number; iou: number; milliseconds: number }[] = [];
      for await (const { step, iou, milliseconds } of run) {
        steps.push({ step, iou, milliseconds });
      }
      const { best, reached, stopReason } = await run.result;
      const png = encodePng(best.image);
      const verdict = await attack.verify(png, target, { original: image });
      await attack.release();
      return {
        backend: attack.backend,
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
    expect(found).toMatchObject({ reached: true, stopReason: "reached" });
    expect(found.steps.map(({ step }) => step)).toEqual(found.steps.map((_, i) => i));
    expect(found.best).toBeGreaterThanOrEqual(0.95);
    expect(found.verdict.reached).toBe(true);
    expect(found.verdict.iou).toBeCloseTo(found.best, 6);
    expect(opened.complaints).toEqual([]);
  });
});
