import { inflateSync } from "node:zlib";
import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { buildPng as build, channelsOf, pngKinds } from "../../../../test/support/png-kinds.ts";
import type { Inflate } from "../picture/picture-host.ts";
import { decodePng, type RawPng } from "./decode-png.ts";
import { readPngLayout } from "./png-layout.ts";

const inflate: Inflate = (parts, maxOutputLength) =>
  inflateSync(Buffer.concat(parts), { maxOutputLength });
const read = async (bytes: Uint8Array): Promise<RawPng> =>
  await decodePng(readPngLayout(bytes, "'x.png'"), "'x.png'", inflate);

describe("decodePng", () => {
  for (const [colour, depth] of pngKinds) {
    for (const interlaced of [false, true]) {
      it(`reads ${depth}-bit ${colour}${interlaced ? ", interlaced" : ""}, of every small size`, async () => {
        for (const [height, width] of [
          [1, 1],
          [1, 9],
          [9, 1],
          [3, 2],
          [13, 11],
          [16, 24],
        ] as const) {
          const sample = (y: number, x: number, c: number): number =>
            (y * 7919 + x * 104_729 + c * 31 + ((y * x) << 3)) % 2 ** depth;
          const png = await read(build({ height, width, depth, colour, interlaced, sample }));
          const channels = channelsOf[colour];
          expect(png).toMatchObject({ height, width, depth, colour, channels });
          const expected = Array.from({ length: height * width * channels }, (_, k) => {
            const i = Math.floor(k / channels);
            return sample(Math.floor(i / width), i % width, k % channels);
          });
          expect(Array.from(png.data)).toEqual(expected);
        }
      });
    }
  }

  it("agrees with fast-png where both read the file", async () => {
    const bytes = build({
      height: 9,
      width: 7,
      depth: 16,
      colour: "rgb",
      sample: (y, x, c) => y * 7000 + x * 99 + c,
    });
    expect(Array.from((await read(bytes)).data)).toEqual(Array.from(decode(bytes).data));
  });

  const unreadable = expect.objectContaining({ code: "ERR_IMAGE_UNREADABLE" });
  const whole = build({ height: 6, width: 5, depth: 8, colour: "rgb", sample: (y, x) => y + x });

  it("rejects a file cut anywhere", async () => {
    for (let end = 8; end < whole.length; end++) {
      await expect(read(whole.subarray(0, end))).rejects.toThrow(unreadable);
    }
  });

  it("rejects missing rows, and inflates no further than the header's size", async () => {
    const small = { height: 2, width: 2, depth: 8, colour: "grey", sample: () => 0 } as const;
    await expect(read(build({ ...small, raw: new Uint8Array(5) }))).rejects.toThrow(unreadable);
    await expect(read(build({ ...small, raw: new Uint8Array(7) }))).rejects.toThrow(unreadable);
    const limits: number[] = [];
    const layout = readPngLayout(build(small), "'x.png'");
    await decodePng(layout, "'x.png'", (parts, maxLength) => {
      limits.push(maxLength);
      return inflate(parts, maxLength);
    });
    expect(limits).toEqual([6]);
  });

  it("rejects an unknown filter, a palette index out of range and kinds that do not exist", async () => {
    const small = { height: 1, width: 1, depth: 8, sample: () => 0 } as const;
    const filtered = build({ ...small, colour: "grey", raw: Uint8Array.of(9, 0) });
    await expect(read(filtered)).rejects.toThrow(unreadable);
    await expect(read(build({ ...small, depth: 16, colour: "palette" }))).rejects.toThrow(
      unreadable,
    );
    const pointing = { ...small, colour: "palette", sample: () => 3 } as const;
    await expect(read(build({ ...pointing, palette: new Uint8Array(9) }))).rejects.toThrow(
      unreadable,
    );
    await expect(read(build({ ...pointing, palette: new Uint8Array(13) }))).rejects.toThrow(
      unreadable,
    );
    expect((await read(build({ ...pointing, palette: new Uint8Array(12) }))).data[0]).toBe(3);
  });

  it("throws nothing but AsmaError on damaged bytes", async () => {
    let state = 12_345;
    // Park and Miller's generator; the high bits are the random ones.
    const random = (n: number): number =>
      Math.floor(((state = (state * 16_807) % 2_147_483_647) / 2_147_483_647) * n);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k <= random(4); k++) bytes[random(bytes.length)] = random(256);
      try {
        await read(bytes);
      } catch (error) {
        expect(error).toMatchObject({ name: "AsmaError" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
