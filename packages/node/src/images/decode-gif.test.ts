import { Jimp } from "jimp";
import { describe, expect, it } from "vitest";
import { decodeGif } from "./decode-gif.ts";

async function gif(width: number, height: number, colours: number): Promise<Buffer> {
  const data = Buffer.alloc(4 * width * height, 255);
  for (let i = 0; i < width * height; i++) {
    const k = (i * i + (i >> 4)) % colours;
    data.set([k * 3, 255 - k, (k * 91) % 256], 4 * i);
  }
  return Jimp.fromBitmap({ data, width, height }).getBuffer("image/gif");
}

describe("decodeGif", () => {
  it("agrees with jimp, through many code table resets", async () => {
    for (const [width, height, colours] of [
      [1, 1, 1],
      [7, 3, 2],
      [150, 130, 80],
      [200, 170, 5],
    ] as const) {
      const bytes = await gif(width, height, colours);
      const { bitmap } = await Jimp.fromBuffer(bytes);
      const { data, palette, ...size } = decodeGif(bytes, "x.gif");
      expect(size).toEqual({ width, height });
      for (let i = 0; i < data.length; i++) {
        const colour = palette.subarray(3 * data[i]!, 3 * data[i]! + 3);
        expect(Buffer.compare(bitmap.data.subarray(4 * i, 4 * i + 3), colour)).toBe(0);
      }
    }
  });

  it("lays interlaced and transparent frames on the screen", () => {
    // 1x4 screen, 2 colours, rows stored as 0, 2, 1, 3 with the indices 1, 1, 0, 0; colour 0 is transparent.
    const header = "474946383961" + "01000400" + "800000" + "102030405060";
    const frame = "21f904" + "0100000000" + "2c00000000" + "01000400" + "40";
    // Clear (4), the indices, end (5); the width grows once the table holds 8 codes.
    const codes = [
      [4, 3],
      [1, 3],
      [1, 3],
      [0, 3],
      [0, 4],
      [5, 4],
    ] as const;
    let bits = 0;
    let at = 0;
    for (const [code, width] of codes) {
      bits |= code << at;
      at += width;
    }
    const data = Buffer.from([bits & 255, (bits >> 8) & 255, (bits >> 16) & 255]);
    const whole = Buffer.concat([
      Buffer.from(header + frame + "0203", "hex"),
      data,
      Buffer.from([0, 0x3b]),
    ]);
    expect([...decodeGif(whole, "x.gif").data]).toEqual([1, -1, 1, -1]);
  });

  it("rejects a file cut anywhere", async () => {
    const bytes = await gif(20, 20, 9);
    for (let end = 6; end < bytes.length - 3; end++) {
      expect(() => decodeGif(bytes.subarray(0, end), "x.gif")).toThrow(
        expect.objectContaining({ code: "ERR_IMAGE_UNREADABLE" }),
      );
    }
  });
});
