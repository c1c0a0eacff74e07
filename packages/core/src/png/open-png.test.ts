import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { buildPng, pngKinds, type PngKind } from "../../../../test/support/png-kinds.ts";
import { imageOfPicture } from "../picture/image-of-picture.ts";
import type { Inflate } from "../picture/picture-host.ts";
import { openPng } from "./open-png.ts";

const inflate: Inflate = (parts, maxOutputLength) =>
  inflateSync(Buffer.concat(parts), { maxOutputLength });
const open = (kind: PngKind) => openPng(buildPng(kind), "'x.png'", { inflate });
const code = (name: string): unknown => expect.objectContaining({ name: "AsmaError", code: name });
const small = { height: 1, width: 3 } as const;

describe("openPng", () => {
  it.each(pngKinds)("turns %s of %i bits into a tensor", async (colour, depth) => {
    const max = 2 ** depth - 1;
    const isGrey = colour.startsWith("grey");
    const channels = isGrey ? 1 : 3;
    // Whole numbers that fit the depth; alpha, the last channel, is opaque.
    const sample = (_: number, x: number, c: number) =>
      c === channels ? max : (x * 40_503 + c * 977) % (max + 1);
    const palette = Uint8Array.from({ length: 3 * (max + 1) }, (_, k) => (k * 53) % 256);
    const picture = open({ ...small, depth, colour, sample, palette });
    expect(picture.grey).toBe(isGrey);
    const image = await imageOfPicture("'x.png'", picture, { channels });
    const expected = Array.from({ length: 3 * channels }, (_, k) => {
      const [c, x] = [Math.floor(k / 3), k % 3];
      return colour === "palette"
        ? (palette[3 * sample(0, x, 0) + c] as number) / 255
        : sample(0, x, c) / max;
    });
    expect(image).toEqual({
      data: Float32Array.from(expected),
      dims: [1, channels, 1, 3],
      levels: depth === 16 ? 65_536 : 256,
    });
  });

  it("counts the pixels that a tRNS chunk or an alpha channel makes transparent", async () => {
    const transparentPixels = async (kind: Omit<PngKind, "height" | "width">) =>
      (await open({ ...small, ...kind }).decode()).transparentPixels;
    const x = (_: number, column: number) => column;
    const two = { depth: 8, transparency: Uint8Array.of(255, 0, 254) } as const;
    expect(await transparentPixels({ ...two, colour: "palette", sample: x })).toBe(2);
    const grey = { depth: 2, colour: "grey", sample: x } as const;
    expect(await transparentPixels({ ...grey, transparency: Uint8Array.of(0, 2) })).toBe(1);
    expect(await transparentPixels({ ...grey, transparency: Uint8Array.of(0, 3) })).toBe(0);
    const sum = (_: number, column: number, c: number) => column + c;
    const rgb = { depth: 16, colour: "rgb", sample: sum } as const;
    const key = Uint8Array.of(0, 1, 0, 2, 0, 3);
    expect(await transparentPixels({ ...rgb, transparency: key })).toBe(1);
    const alpha = { depth: 16, colour: "grey-alpha" } as const;
    const faint = (_: number, i: number, c: number) => (c === 0 ? 9 : 65_535 - i);
    expect(await transparentPixels({ ...alpha, sample: faint })).toBe(2);
    const palette = { ...small, ...two, colour: "palette", sample: x } as const;
    await expect(imageOfPicture("'x.png'", open(palette), { channels: 3 })).rejects.toThrow(
      code("ERR_IMAGE_ALPHA"),
    );
  });
});

describe("imageOfPicture", () => {
  const grey = { ...small, depth: 8, colour: "grey", sample: () => 7 } as const;

  it("refuses grey for RGB, unequal channels for grey, and what no picture holds", async () => {
    const refusal = async (kind: PngKind, channels: number, spatialAxes?: 3) =>
      await imageOfPicture("'x.png'", open(kind), {
        channels,
        ...(spatialAxes && { spatialAxes }),
      }).catch((error: unknown) => error);
    expect(await refusal(grey, 3)).toMatchObject({
      code: "ERR_IMAGE_CHANNELS",
      message:
        "Expected RGB (3 channels) as the model does but 'x.png' is grey (1 channel): save it as RGB first.",
    });
    const rgb = { ...grey, colour: "rgb" } as const;
    const unequal = { ...rgb, sample: (_: number, x: number, c: number) => x * c } as const;
    expect(await refusal(unequal, 1)).toMatchObject({ code: "ERR_IMAGE_CHANNELS" });
    expect(await refusal(rgb, 1)).toMatchObject({ dims: [1, 1, 1, 3], levels: 256 });
    expect(await refusal(rgb, 4)).toMatchObject({ code: "ERR_IMAGE_CHANNELS" });
    expect(await refusal(grey, 1, 3)).toMatchObject({ code: "ERR_ARRAY_SHAPE" });
  });

  it("takes grey from a picture of RGB whose channels are equal, by their first", async () => {
    const image = await imageOfPicture("'x.png'", open({ ...grey, colour: "rgb" }), {
      channels: 1,
    });
    expect([...image.data]).toEqual([7, 7, 7].map((v) => Math.fround(v / 255)));
  });
});
