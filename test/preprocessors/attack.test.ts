import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readModel, type Runtime } from "@onnx-asma/autodiff";
import { Workbench, type ImageTensor } from "@onnx-asma/core";
import { parsePreprocessor } from "@onnx-asma/core/preprocessor";
import { hideClass } from "@onnx-asma/core/targets";
import { identity, picture } from "./support.ts";

const host = { runtime: ort as Runtime, sessionOptions: undefined, target: "cpu" } as const;
const image: ImageTensor = {
  data: picture(48, 80).map((v) => v / 255),
  dims: [1, 3, 48, 80],
  levels: 256,
};
const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.25, 0.25, 0.25] };

async function workbench(config: object): Promise<Workbench> {
  const preprocessor = parsePreprocessor(JSON.stringify(config), "p.json");
  return new Workbench(await readModel(identity), { preprocessor }, host);
}

describe("an attack through", () => {
  it.each<[string, object, number[]]>([
    [
      "a cut centre, exchanged channels",
      {
        image_processor_type: "MobileViTImageProcessor",
        size: 40,
        crop_size: { height: 32, width: 48 },
      },
      [32, 48],
    ],
    [
      "a padding behind, which is cut off the labels",
      {
        image_processor_type: "SamImageProcessor",
        ...half,
        size: { longest_edge: 60 },
        pad_size: 64,
      },
      [36, 60],
    ],
    [
      "a padding on both sides, which is cut off the labels",
      {
        image_processor_type: "DPTImageProcessor",
        ...half,
        do_pad: true,
        size_divisor: 16,
        size: { height: 30, width: 44 },
      },
      [30, 44],
    ],
    [
      "a size that is a multiple",
      {
        image_processor_type: "MaskFormerImageProcessor",
        ...half,
        size: { shortest_edge: 40, longest_edge: 90 },
        size_divisor: 32,
      },
      [64, 96],
    ],
  ])("%s is judged as it is computed", async (_, config, size) => {
    const bench = await workbench(config);
    const { grid } = await bench.describe([48, 80]);
    expect(grid.size).toEqual(size);
    const before = await bench.predict(image);
    expect(before.dims).toEqual(size);
    expect(new Set(before.data).size).toBe(3);
    const target = hideClass(before, 1);
    const run = await bench.attack(image, target, { iterations: 60, iouThreshold: 0.9 });
    const steps: number[] = [];
    for await (const { iou } of run) {
      steps.push(iou);
    }
    const { best } = await run.result;
    const verdict = await bench.verify(best.image, target, { original: image });
    // A pixel whose scores tie may fall either way.
    expect(verdict.iou).toBeCloseTo(best.iou, 3);
    expect(verdict.iou).toBeGreaterThan((steps[0] as number) + 0.05);
    await bench.release();
  });

  it("a cut centre leaves the rest of the image alone", async () => {
    const bench = await workbench({
      image_processor_type: "MobileViTImageProcessor",
      do_resize: false,
      crop_size: 32,
    });
    const { grid } = await bench.describe([48, 80]);
    expect(grid).toMatchObject({
      size: [32, 32],
      placement: { top: 8, left: 24, height: 32, width: 32 },
    });
    const target = hideClass(await bench.predict(image), 1);
    const { best } = await (await bench.attack(image, target, { iterations: 5 })).result;
    const changed = [...best.image.data].flatMap((v, i) => (v === image.data[i] ? [] : [i]));
    expect(changed.length).toBeGreaterThan(0);
    for (const i of changed) {
      const [y, x] = [Math.floor(i / 80) % 48, i % 80];
      expect(y >= 8 && y < 40 && x >= 24 && x < 56).toBe(true);
    }
    await bench.release();
  });

  it("a cut centre has no labels for the whole image", async () => {
    const config = { image_processor_type: "MobileViTImageProcessor", crop_size: 32 };
    const preprocessor = parsePreprocessor(JSON.stringify(config), "p.json");
    const options = { preprocessor, grid: "image" } as const;
    const bench = new Workbench(await readModel(identity), options, host);
    await expect(bench.describe([48, 80])).rejects.toMatchObject({ code: "ERR_OUTPUT" });
  });
});
