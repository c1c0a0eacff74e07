import { crc32, deflateSync } from "node:zlib";
import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodePng, readPngLayout, type RawPng } from "./decode-png.ts";

const colourTypes = { grey: 0, rgb: 2, palette: 3, "grey-alpha": 4, "rgb-alpha": 6 } as const;
const channelsOf = { grey: 1, rgb: 3, palette: 1, "grey-alpha": 2, "rgb-alpha": 4 } as const;
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

interface Png {
  height: number;
  width: number;
  depth: number;
  colour: keyof typeof colourTypes;
  interlaced?: boolean;
  sample: (y: number, x: number, c: number) => number;
  raw?: Uint8Array;
}

/** An encoder independent of the decoder: filters 0 to 4 in turn, bits written one by one. */
function build(png: Png): Buffer {
  const { height, width, depth, colour, interlaced = false, sample } = png;
  const channels = channelsOf[colour];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourTypes[colour], 0, 0, interlaced ? 1 : 0], 8);
  const rows: Buffer[] = [];
  for (const [x0, y0, dx, dy] of interlaced ? passes : ([[0, 0, 1, 1]] as const)) {
    let above: Buffer | undefined;
    for (let y = y0, filter = 0; y < height && x0 < width; y += dy, filter = (filter + 1) % 5) {
      let bits = "";
      for (let x = x0; x < width; x += dx) {
        for (let c = 0; c < channels; c++) bits += sample(y, x, c).toString(2).padStart(depth, "0");
      }
      const line = Buffer.from(
        bits.match(/.{1,8}/g)?.map((b) => parseInt(b.padEnd(8, "0"), 2)) ?? [],
      );
      const step = Math.max(1, (channels * depth) / 8);
      const filtered = line.map((v, i) => {
        const a = line[i - step] ?? 0;
        const b = above?.[i] ?? 0;
        const c = i >= step ? (above?.[i - step] ?? 0) : 0;
        const p = a + b - c;
        const paeth = [a, b, c].reduce((best, q) =>
          Math.abs(p - q) < Math.abs(p - best) ? q : best,
        );
        return v - [0, a, b, (a + b) >> 1, paeth][filter]!;
      });
      rows.push(Buffer.from([filter]), Buffer.from(filtered));
      above = line;
    }
  }
  const data = deflateSync(png.raw ?? Buffer.concat(rows));
  const half = data.length >> 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...(colour === "palette" ? [chunk("PLTE", Buffer.alloc(3 * 2 ** depth, 7))] : []),
    chunk("IDAT", data.subarray(0, half)),
    chunk("IDAT", data.subarray(half)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const read = (bytes: Uint8Array): RawPng => decodePng(readPngLayout(bytes, "x.png", 64e6), "x.png");

describe("decodePng", () => {
  const kinds = [
    ...([1, 2, 4, 8, 16] as const).map((depth) => ["grey", depth] as const),
    ...([1, 2, 4, 8] as const).map((depth) => ["palette", depth] as const),
    ...(["rgb", "grey-alpha", "rgb-alpha"] as const).flatMap((c) => [
      [c, 8] as const,
      [c, 16] as const,
    ]),
  ];
  for (const [colour, depth] of kinds) {
    for (const interlaced of [false, true]) {
      it(`reads ${depth}-bit ${colour}${interlaced ? ", interlaced" : ""}, of every small size`, () => {
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
          const png = read(build({ height, width, depth, colour, interlaced, sample }));
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

  it("agrees with fast-png where both read the file", () => {
    const bytes = build({
      height: 9,
      width: 7,
      depth: 16,
      colour: "rgb",
      sample: (y, x, c) => y * 7000 + x * 99 + c,
    });
    expect(Array.from(read(bytes).data)).toEqual(Array.from(decode(bytes).data));
  });

  const unreadable = expect.objectContaining({ code: "ERR_IMAGE_UNREADABLE" });
  const whole = build({ height: 6, width: 5, depth: 8, colour: "rgb", sample: (y, x) => y + x });

  it("rejects a file cut anywhere", () => {
    for (let end = 8; end < whole.length; end++) {
      expect(() => read(whole.subarray(0, end))).toThrow(unreadable);
    }
  });

  it("rejects missing rows and data that inflates far beyond the header's size", () => {
    const small = { height: 2, width: 2, depth: 8, colour: "grey", sample: () => 0 } as const;
    expect(() => read(build({ ...small, raw: new Uint8Array(3) }))).toThrow(unreadable);
    expect(() => read(build({ ...small, raw: new Uint8Array(50_000_000) }))).toThrow(unreadable);
  });

  it("rejects an unknown filter, a palette index out of range and kinds that do not exist", () => {
    const small = { height: 1, width: 1, depth: 8, sample: () => 0 } as const;
    expect(() => read(build({ ...small, colour: "grey", raw: Uint8Array.of(9, 0) }))).toThrow(
      unreadable,
    );
    expect(() => read(build({ ...small, depth: 16, colour: "palette" }))).toThrow(unreadable);
    const outside = build({ ...small, colour: "palette", sample: () => 200 });
    const short = Buffer.concat([
      outside.subarray(0, 33),
      chunk("PLTE", Buffer.alloc(9)),
      outside.subarray(33 + 780),
    ]);
    expect(() => read(short)).toThrow(unreadable);
  });

  it("never throws anything but AsmaError on damaged bytes", () => {
    let state = 12_345;
    // Park and Miller's generator; the high bits are the random ones.
    const random = (n: number): number =>
      Math.floor(((state = (state * 16_807) % 2_147_483_647) / 2_147_483_647) * n);
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k <= random(4); k++) bytes[random(bytes.length)] = random(256);
      try {
        read(bytes);
      } catch (error) {
        expect(error).toMatchObject({ name: "AsmaError" });
      }
    }
  });
});
