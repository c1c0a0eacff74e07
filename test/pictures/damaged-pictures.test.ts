import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readImage } from "@onnx-asma/node";
import { expect, it } from "vitest";
import { pictureCases } from "../support/pictures.ts";

it("damaged files of every kind are refused as such, and soon", async () => {
  const cases = pictureCases();
  const folder = await mkdtemp(join(tmpdir(), "damaged-pictures-"));
  let seed = 20_260_101;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  const others: string[] = [];
  let slowest = 0;
  for (let run = 0; run < 600; run++) {
    const { name, bytes } = cases[random(cases.length)] as (typeof cases)[number];
    let damaged = Buffer.from(bytes);
    for (let k = 0; k <= random(4); k++) {
      // Headers matter most.
      const where = random(random(3) === 0 ? damaged.length : Math.min(300, damaged.length));
      damaged[where] = random(3) === 0 ? ([0, 255, 127, 128][random(4)] as number) : random(256);
    }
    if (random(5) === 0) damaged = damaged.subarray(0, random(damaged.length));
    const path = join(folder, name);
    await writeFile(path, damaged);
    const start = performance.now();
    for (const channels of [1, 3]) {
      const error = await readImage(path, { channels, maxPixels: 1e6 }).catch((e: Error) => e);
      if (error instanceof Error && error.name !== "AsmaError")
        others.push(`${name}: ${error.stack}`);
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  await rm(folder, { recursive: true });
  expect(others).toEqual([]);
  expect(slowest).toBeLessThan(5000);
});
