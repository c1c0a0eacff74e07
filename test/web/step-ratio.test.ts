import { describe, expect, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { hasBrowser, openPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

/** `pnpm bench:web`: a busy machine measures nothing, so that it is not part of the tests. */
const isMeasuring = process.env["MEASURE"] !== undefined;

describe.skipIf(!hasBrowser || !isMeasuring)("a step of the bundled model on WebAssembly", () => {
  it("takes at most 2.6 forward passes", { timeout: 300_000 }, async () => {
    const opened = await openPage();
    const { threads, step, forward } = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/optic-disc.onnx", { device: "wasm" });
      const { preprocessing } = await model.describe();
      const [height, width] = preprocessing.imageSize;
      const image = {
        data: new Float32Array(3 * height * width).map((_, i) => ((i * 37) % 256) / 255),
        dims: [1, 3, height, width] as const,
      };
      const target = onnxAsma.disc([height, width], [height / 2, width / 2], height / 5);
      const run = await model.attack(image, target, { iterations: 21, iouThreshold: 1 });
      const [steps, forwards]: [number[], number[]] = [[], []];
      for await (const { milliseconds } of run) {
        steps.push(milliseconds);
        const start = performance.now();
        await model.predict(image);
        forwards.push(performance.now() - start);
      }
      const median = (values: number[]) =>
        values.slice(1).sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
      return { threads: model.backend.threads, step: median(steps), forward: median(forwards) };
    });
    await opened.close();
    const ratio = step / forward;
    console.log(
      `${threads} threads: forward ${forward.toFixed(0)} ms, step ${step.toFixed(0)} ms, ${ratio.toFixed(2)} × forward`,
    );
    expect(ratio).toBeLessThanOrEqual(2.6);
  });
});
