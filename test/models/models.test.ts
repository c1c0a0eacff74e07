import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadModel } from "@onnx-asma/node";

const folder = new URL("../../models/", import.meta.url);
const file = (name: string): string => fileURLToPath(new URL(name, folder));

it.each([
  ["optic-disc", ["background", "optic disc"]],
  ["optic-disc-4class", ["background", "optic disc", "optic cup", "vessel"]],
  ["optic-disc-robust", ["background", "optic disc"]],
])("%s is what its card says", async (name, classes) => {
  const bytes = readFileSync(file(`${name}.onnx`));
  const card = readFileSync(file(`${name}.md`), "utf8");
  expect(bytes.length).toBeLessThan(3 * 2 ** 20);
  expect(card).toContain(createHash("sha256").update(bytes).digest("hex"));
  const model = await loadModel(file(`${name}.onnx`));
  const description = await model.describe([408, 408]);
  expect(description.classNames).toEqual(classes);
  expect(description.grid).toMatchObject({ kind: "crop", size: [388, 388] });
  expect(description.preprocessing).toMatchObject({
    padding: [82, 82, 82, 82],
    paddingMode: "edge",
  });
  await model.release();
});

it("finds the optic disc on the photograph where it is", async () => {
  const model = await loadModel(file("optic-disc.onnx"));
  const image = await model.readImage(file("retina.jpg"));
  const { data, dims } = await model.predict(image);
  const pixels = [...data.keys()].filter((i) => data[i] === 1);
  const mean = (of: (i: number) => number) =>
    pixels.reduce((sum, i) => sum + of(i), 0) / pixels.length;
  // The disc lies around row 180 and column 55 of the 388×388 grid.
  expect(pixels.length).toBeGreaterThan(1500);
  expect(mean((i) => Math.floor(i / dims[1]))).toBeGreaterThan(140);
  expect(mean((i) => Math.floor(i / dims[1]))).toBeLessThan(220);
  expect(mean((i) => i % dims[1])).toBeLessThan(100);
  await model.release();
});
