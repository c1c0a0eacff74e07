import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/run-cli.ts";
import { readImage, readMask, writeLabelPng, writeNpy, writePng } from "./index.ts";

const grey = { data: new Float32Array(6).fill(0.2), dims: [1, 1, 2, 3] as const };
const rgb = { data: new Float32Array(18).fill(0.2), dims: [1, 3, 2, 3] as const };
const labels = { data: Int32Array.of(0, 1, 2, 200, 1, 0), dims: [2, 3] as const };

function files() {
  const folder = temporaryFolder();
  return (name: string) => join(folder, name);
}

it("reads and writes without options", async () => {
  const path = files();
  await writePng(path("grey.png"), grey);
  await writePng(path("rgb.png"), rgb);
  await writeNpy(path("rgb.npy"), rgb);
  await writeLabelPng(path("labels.png"), labels);
  expect((await readImage(path("grey.png"))).dims).toEqual([1, 1, 2, 3]);
  expect((await readImage(path("rgb.png"))).dims).toEqual([1, 3, 2, 3]);
  expect((await readImage(path("rgb.npy"))).dims).toEqual([1, 3, 2, 3]);
  expect(await readMask(path("labels.png"))).toEqual(labels);
});

it("refuses options that there are not, and limits that are none", async () => {
  const path = files();
  await writePng(path("a.png"), grey);
  const wrongs = [{ chanels: 1 }, { maxPixels: Number.NaN }, { maxPixels: -1 }, null, 3];
  for (const read of [readImage, readMask] as const) {
    for (const wrong of wrongs) {
      await expect(read(path("a.png"), wrong as never)).rejects.toMatchObject({
        name: "AsmaError",
        code: "ERR_OPTION",
      });
    }
  }
  await expect(writePng(path("b.png"), grey, { level: 256 } as never)).rejects.toMatchObject({
    code: "ERR_OPTION",
  });
  await expect(writePng(path("b.png"), undefined as never)).rejects.toMatchObject({
    code: "ERR_ARRAY_DTYPE",
  });
});
