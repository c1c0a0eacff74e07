import { describe, expect, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { golden } from "../support/golden-scene.ts";
import { hasBrowser, openPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

describe.skipIf(!hasBrowser)("a long attack", () => {
  it("takes the memory of a short one", { timeout: 300_000 }, async () => {
    const opened = await openPage({ folders: [golden(".")] });
    const found = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        device: "wasm",
        threads: 1,
      });
      const side = 92;
      const image = {
        data: new Float32Array(3 * side * side).map((_, i) => ((i * 37) % 256) / 255),
        dims: [1, 3, side, side] as const,
      };
      const target = onnxAsma.disc([side, side], [46, 46], 20);
      const options = { iterations: 500, iouThreshold: 1, earlyStop: false };
      const run = await model.attack(image, target, options);
      const measured: number[] = [];
      const measure = async (): Promise<number> => {
        const page = performance as unknown as {
          measureUserAgentSpecificMemory(): Promise<{ bytes: number }>;
        };
        return (await page.measureUserAgentSpecificMemory()).bytes;
      };
      for await (const { step, image: readImage, prediction } of run) {
        await readImage();
        await prediction();
        if (step === 50 || step === 500) {
          measured.push(await measure());
        }
      }
      await model.release();
      return measured;
    });
    await opened.close();
    const [early, late] = found as [number, number];
    console.log(
      `${(early / 2 ** 20).toFixed(1)} MiB at step 50, ${(late / 2 ** 20).toFixed(1)} MiB at step 500`,
    );
    // Workers and WebAssembly memory are counted; one image more a step would be 43 MiB.
    expect(early).toBeGreaterThan(16 * 2 ** 20);
    expect(late - early).toBeLessThan(4 * 2 ** 20);
  });
});
