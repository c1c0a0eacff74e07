import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "@onnx-asma/core/png";
import { readImage } from "./read-image.ts";
import { assertLossless, writePng } from "./write-image.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "write-image-"))));
afterAll(() => rm(folder, { recursive: true }));
const code = (name: string): unknown => expect.objectContaining({ name: "AsmaError", code: name });

describe("writePng", () => {
  it("comes back bit for bit at every level", async () => {
    const path = join(folder, "x.png");
    for (const [levels, channels] of [
      [256, 1],
      [65_536, 1],
      [65_536, 3],
      [256, 3],
    ] as const) {
      const width = levels / (levels === 256 ? 16 : 256);
      const pixels = levels;
      const data = Float32Array.from(
        { length: channels * pixels },
        (_, k) => ((k * 7) % levels) / (levels - 1),
      );
      const dims = [1, channels, pixels / width, width] as const;
      await writePng(path, { data, dims }, { levels });
      expect(await readImage(path, { channels })).toEqual({
        decoder: { name: "onnx-asma", version: expect.any(String) },
        data,
        dims,
        bitDepth: Math.log2(levels),
        format: "png",
        levels,
      });
    }
    expect(await readdir(folder)).toEqual(["x.png"]);
  });

  it("refuses NaN, other channel counts, dims that do not fit and lossy names", async () => {
    const encode = (data: Float32Array, channels: number, width: number) => () =>
      encodePng({ data, dims: [1, channels, 1, width] }, { levels: 256 });
    expect(encode(Float32Array.of(NaN), 1, 1)).toThrow(code("ERR_IMAGE_RANGE"));
    expect(encode(new Float32Array(4), 4, 1)).toThrow(code("ERR_IMAGE_CHANNELS"));
    expect(encode(new Float32Array(4), 3, 2)).toThrow(code("ERR_ARRAY_SHAPE"));
    for (const name of ["a.jpg", "b.JPEG", "c.webp"])
      expect(() => assertLossless(name)).toThrow(code("ERR_IMAGE_LOSSY"));
    expect(() => assertLossless("jpg/a.png")).not.toThrow();
  });
});
