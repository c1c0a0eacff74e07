import { describe, expect, it } from "vitest";
import { unpackBits } from "./unpack-bits.ts";
import { unpackLzw } from "./unpack-lzw.ts";

/** Codes of these widths, the highest bit first. */
function packed(codes: readonly (readonly [code: number, width: number])[]): Uint8Array {
  const bits = codes.map(([code, width]) => code.toString(2).padStart(width, "0")).join("");
  const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
  return Uint8Array.from(whole.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

describe("unpackLzw", () => {
  it("unpacks strings, among them one that its own code starts", () => {
    // 7 7 7 7 7 7 8: 258 is "7 7", which is read before it is known; 259 is "7 7 7".
    const codes = packed([256, 7, 258, 259, 8, 257].map((code) => [code, 9] as const));
    expect([...unpackLzw(codes, 100)]).toEqual([7, 7, 7, 7, 7, 7, 8]);
  });

  it("gives at most so many bytes, and what there is of a cut one", () => {
    const codes = packed([256, 7, 258, 259, 8, 257].map((code) => [code, 9] as const));
    expect([...unpackLzw(codes, 4)]).toEqual([7, 7, 7, 7]);
    expect([...unpackLzw(codes.subarray(0, 3), 100)]).toEqual([7]);
  });

  it("widens its codes one early, and goes on where the table is full", () => {
    // Every byte value in turn, as codes of one byte: the table grows by one with each.
    const values = Array.from({ length: 4000 }, (_, i) => (i * 7) % 256);
    let next = 258;
    let width = 9;
    const codes: [number, number][] = [[256, 9]];
    values.forEach((value, i) => {
      codes.push([value, width]);
      if (i > 0 && next < 4096) next += 1;
      if (next + 1 >= 1 << width && width < 12) width += 1;
    });
    expect([...unpackLzw(packed(codes), 4000)]).toEqual(values);
  });

  it("refuses codes that cannot be, and the old order of bits", () => {
    const code = (value: number) =>
      packed([
        [256, 9],
        [value, 9],
      ]);
    expect(() => unpackLzw(code(258), 9)).toThrow(RangeError);
    expect(() => unpackLzw(code(400), 9)).toThrow(RangeError);
    expect(() => unpackLzw(Uint8Array.of(0, 1, 2, 3), 9)).toThrow(/1988/);
  });
});

describe("unpackBits", () => {
  it("unpacks runs and bytes, to at most so many", () => {
    const bytes = Uint8Array.of(254, 9, 128, 1, 4, 5, 0, 6);
    expect([...unpackBits(bytes, 100)]).toEqual([9, 9, 9, 4, 5, 6]);
    expect([...unpackBits(bytes, 2)]).toEqual([9, 9]);
    expect([...unpackBits(bytes, 4)]).toEqual([9, 9, 9, 4]);
    expect([...unpackBits(Uint8Array.of(200), 4)]).toEqual([]);
  });
});
