import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPng, zlibBomb } from "../../../../test/support/png-kinds.ts";
import { readImage } from "./read-image.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "inflate-"))));
afterAll(() => rm(folder, { recursive: true }));

describe("readImage", () => {
  it("refuses a PNG that inflates far beyond its size, holding little of it", async () => {
    const header = { height: 10, width: 10, depth: 8, colour: "rgb", sample: () => 0 } as const;
    const bomb = buildPng({ ...header, compressed: zlibBomb(1200) });
    expect(bomb.length).toBeLessThan(2e6);
    const path = join(folder, "bomb.png");
    await writeFile(path, bomb);
    const before = process.resourceUsage().maxRSS;
    await expect(readImage(path, { channels: 3 })).rejects.toThrow(
      /^Expected a whole PNG but '.*bomb\.png' is a damaged PNG \(its pixel data does not inflate to its size\)/,
    );
    // In KiB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(100_000);
  });

  it("refuses a PNG with bytes behind its pixels", async () => {
    const header = { height: 1, width: 2, depth: 8, colour: "grey", sample: () => 0 } as const;
    const pixels = deflateSync(Buffer.alloc(3));
    const path = join(folder, "trailing.png");
    const read = async (compressed: Uint8Array) => {
      await writeFile(path, buildPng({ ...header, compressed }));
      return await readImage(path, { channels: 1 });
    };
    expect((await read(pixels)).dims).toEqual([1, 1, 1, 2]);
    await expect(read(Buffer.concat([pixels, Buffer.alloc(1)]))).rejects.toThrow(
      expect.objectContaining({ code: "ERR_IMAGE_UNREADABLE" }),
    );
  });
});
