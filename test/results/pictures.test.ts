import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  ignored,
  loadModel,
  readImage,
  rectangle,
  sizeOf,
  writeResults,
  type AttackChoice,
  type ImageTensor,
  type LabelMap,
} from "@onnx-asma/node";
import { golden, unet, writeImage } from "../support/golden-scene.ts";
import { writeNpyFile } from "../support/npy.ts";
import { saveModel, temporaryFolder } from "../support/run-cli.ts";
import { volumeModel } from "../support/segmentation-models.ts";

/** Attacks an image, and writes what came of it. */
async function resultOf(
  model: string,
  image: string,
  { target, choice }: { target: (size: readonly number[]) => LabelMap; choice: AttackChoice },
) {
  const loaded = await loadModel(model, { threads: 1 });
  const read = await loaded.readImage(image);
  const aim = target(sizeOf(read));
  const run = await loaded.attack(read, aim, choice);
  const snapshots: { iteration: number; prediction: LabelMap }[] = [];
  for await (const { step, prediction } of run) {
    snapshots.push({ iteration: step, prediction: await prediction() });
  }
  const folder = join(temporaryFolder(), "out");
  const record = await writeResults(folder, {
    model: loaded,
    image: read,
    target: aim,
    sources: { model: loaded.sources, image: { file: "image", sha256: "0".repeat(64) } },
    predictionBefore: await loaded.predict(read),
    result: await run.result,
    snapshots,
    region: choice.region,
  });
  await loaded.release();
  const picture = (name: string) => {
    const bytes = readFileSync(join(folder, name));
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  };
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  return { folder, record, picture, text };
}

/** By what 99 % of the changed pixels of a slice fill the scale, from the files alone. */
async function amplificationIn(folder: string, format: string, slice = 0): Promise<number> {
  const options = {
    channels: format === "png" ? 3 : 1,
    spatialAxes: format === "png" ? 2 : 3,
  } as const;
  const [before, after] = (await Promise.all(
    ["original", "adversarial"].map((name) =>
      readImage(join(folder, `${name}.${format}`), options),
    ),
  )) as unknown as [ImageTensor, ImageTensor];
  const [height, width] = before.dims.slice(-2) as [number, number];
  const [plane, stride] = [height * width, before.data.length / options.channels];
  const changes = Array.from({ length: plane }, (_, i) => {
    const at = (c: number) => c * stride + slice * plane + i;
    const all = Array.from({ length: options.channels }, (__, c) =>
      Math.abs((after.data[at(c)] as number) - (before.data[at(c)] as number)),
    );
    return Math.max(...all);
  })
    .filter((change) => change > 0)
    .toSorted((a, b) => a - b);
  return 1 / (changes[Math.ceil(0.99 * changes.length) - 1] as number);
}

it("draws an attack within a region, with pixels that do not count", async () => {
  const region = Float32Array.from({ length: 92 * 92 }, (_, i) => Number(i % 92 > 30));
  const { folder, record, picture, text } = await resultOf(unet, writeImage(temporaryFolder()), {
    target: (size) => {
      const mask = rectangle(size as [number, number], [36, 40, 20, 14]);
      return { ...mask, data: mask.data.map((label, i) => (i % 92 > 60 ? ignored : label)) };
    },
    choice: { iterations: 3, region },
  });
  expect(record.pictures?.perturbationFactor).toBeCloseTo(await amplificationIn(folder, "png"), 3);
  for (const name of ["overview.png", "perturbation.png"]) {
    expect(picture(name)).toMatchObject({ width: 1600 });
  }
  expect(picture("prediction-before.png")).toMatchObject({ width: 92, height: 92 });
  const course = text("trajectory.svg");
  expect(course).toContain("unet-legacy.onnx on image");
  expect(course).toMatch(/ASMA\. (Reached|Not reached) in \d steps?: /);
  // The default goal is one of the IoU alone.
  expect(course.match(/stroke-dasharray="5 4"/g)).toHaveLength(1);
  expect(course).toContain("goal 95 %");
});

it("draws no goal where none was set, and the budget where there is one", async () => {
  const { record, text } = await resultOf(
    golden("unet3.onnx"),
    writeImage(temporaryFolder(), "three"),
    {
      target: (size) => rectangle(size as [number, number], [30, 30, 20, 14]),
      choice: {
        attack: "pgd",
        iterations: 2,
        epsilon: 4 / 255,
        norm: "linf",
        iouThreshold: 0,
        earlyStop: false,
      },
    },
  );
  const course = text("trajectory.svg");
  expect(course).toContain("No goal was set: ");
  expect(course).not.toContain("goal 9");
  expect(course).toContain("L∞ (dashed: budget 4)");
  expect(course.match(/stroke-dasharray="5 4"/g)).toHaveLength(1);
  expect(record.saved.linf).toBeLessThanOrEqual(4 / 255 + 1e-6);
});

it("draws the slice of a volume that changed most, in the units of its floats", async () => {
  const size = [6, 48, 64] as const;
  const model = saveModel(volumeModel(size)).path;
  const values = Float32Array.from({ length: 6 * 48 * 64 }, (_, i) => {
    const [z, y, x] = [Math.floor(i / (48 * 64)), Math.floor(i / 64) % 48, i % 64];
    return (
      0.2 +
      0.35 * Math.exp(-((y - 24) ** 2 + (x - 28 - z) ** 2) / (60 + 40 * z)) +
      ((i * 7) % 13) / 400
    );
  });
  const image = writeNpyFile(temporaryFolder(), "volume.npy", values, size);
  const { folder, record, picture } = await resultOf(model, image, {
    target: () => rectangle([...size], [1, 14, 30, 5, 20, 24]),
    choice: { iterations: 12 },
  });
  const { slice } = record.pictures ?? {};
  expect(slice?.of).toBe(6);
  expect(record.pictures?.perturbationFactor).toBeCloseTo(
    await amplificationIn(folder, "npy", slice?.imageIndex),
    2,
  );
  expect(picture("overview.png")).toMatchObject({ width: 1600 });
  expect(picture("prediction-after.png")).toMatchObject({ width: 64, height: 48 });
});
