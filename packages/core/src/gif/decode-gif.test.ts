import { describe, expect, it } from "vitest";
import { decodeGif } from "./decode-gif.ts";

describe("decodeGif", () => {
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

  it("rejects a file cut anywhere", () => {
    // 2x2 pixels of one colour: clear (4), the indices, end (5).
    const codes = 4 | (1 << 3) | (1 << 6) | (1 << 9) | (1 << 12) | (5 << 16);
    const header = "474946383961" + "02000200" + "800000" + "102030405060";
    const frame = "2c00000000" + "02000200" + "00" + "0203";
    const data = Buffer.from([codes & 255, (codes >> 8) & 255, (codes >> 16) & 255]);
    const bytes = Buffer.concat([Buffer.from(header + frame, "hex"), data, Buffer.of(0, 0x3b)]);
    expect([...decodeGif(bytes, "x.gif").data]).toEqual([1, 1, 1, 1]);
    for (let end = 6; end < bytes.length - 3; end++) {
      expect(() => decodeGif(bytes.subarray(0, end), "x.gif")).toThrow(
        expect.objectContaining({ code: "ERR_IMAGE_UNREADABLE" }),
      );
    }
  });
});
