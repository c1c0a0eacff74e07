import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LabelMap } from "@onnx-asma/core";
import { readMask } from "./read-mask.ts";
import { writeLabels } from "./write-labels.ts";

let root: string;
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), "write-labels-"))));
afterAll(() => rm(root, { recursive: true }));

const labelsOf = (...values: number[]): LabelMap => ({
  data: Int32Array.from(values),
  dims: [1, values.length],
});

/** What was written, and the same read back with ignored pixels as −1. */
async function roundTrip(labels: LabelMap, classes: number) {
  const folder = await mkdtemp(join(root, "target-"));
  const { file, ignoredAs } = await writeLabels(join(folder, "target"), labels, { classes });
  expect(await readdir(folder)).toEqual([file]);
  const path = join(folder, file);
  const read = await readMask(path, {
    classes,
    ...(ignoredAs !== undefined && { ignoreLabel: ignoredAs }),
    spatialAxes: labels.dims.length === 3 ? 3 : 2,
  });
  const data = read.data.map((label) => (label === ignoredAs ? -1 : label));
  expect({ ...read, data }).toEqual(labels);
  const depth = file === "target.png" ? decode(await readFile(path)).depth : undefined;
  return { file, ignoredAs, depth };
}

describe("writeLabels", () => {
  it.each([
    { values: [0, 1], classes: 2, depth: 8 },
    { values: [0, 255, 3], classes: 256, depth: 8 },
    { values: [0, 255, 3], classes: 300, depth: 8 },
    { values: [0, 256], classes: 257, depth: 16 },
    { values: [1, 65_535, 255], classes: 65_536, depth: 16 },
    { values: [0, 65_536], classes: 65_537, depth: undefined },
  ])("$values of $classes classes comes back, none ignored", async ({ values, classes, depth }) => {
    const file = depth === undefined ? "target.npy" : "target.png";
    const written = await roundTrip(labelsOf(...values), classes);
    expect(written).toEqual({ file, depth, ignoredAs: undefined });
  });

  it.each([
    { values: [-1, 0, 1], classes: 2, depth: 8, ignoredAs: 255 },
    { values: [254, -1, 0], classes: 255, depth: 8, ignoredAs: 255 },
    { values: [255, -1, 0], classes: 256, depth: 16, ignoredAs: 65_535 },
    { values: [-1, 0], classes: 256, depth: 16, ignoredAs: 65_535 },
    { values: [65_534, 255, -1], classes: 65_535, depth: 16, ignoredAs: 65_535 },
    { values: [65_535, 255, -1], classes: 65_536, depth: undefined, ignoredAs: -1 },
  ])(
    "$values of $classes classes comes back, ignored pixels as $ignoredAs",
    async ({ values, classes, depth, ignoredAs }) => {
      const file = depth === undefined ? "target.npy" : "target.png";
      expect(await roundTrip(labelsOf(...values), classes)).toEqual({ file, depth, ignoredAs });
    },
  );

  it("writes volumes as .npy", async () => {
    const volume = { data: Int32Array.of(0, 1, -1, 1), dims: [1, 2, 2] } as const;
    expect(await roundTrip(volume, 2)).toMatchObject({ file: "target.npy", ignoredAs: -1 });
    const whole = { ...volume, data: Int32Array.of(0, 1, 0, 1) };
    expect(await roundTrip(whole, 2)).toMatchObject({ file: "target.npy", ignoredAs: undefined });
  });

  it("refuses labels that are neither classes nor ignored", async () => {
    await expect(
      writeLabels(join(root, "target"), labelsOf(0, -2), { classes: 2 }),
    ).rejects.toThrow(expect.objectContaining({ code: "ERR_MASK_VALUES" }));
  });
});
