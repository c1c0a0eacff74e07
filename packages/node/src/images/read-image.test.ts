import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, type ImageData } from "fast-png";
import { Jimp, JimpMime } from "jimp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNpy } from "./npy.ts";
import { readImage } from "./read-image.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "read-image-"))));
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}
const png = (image: ImageData, name = "x.png"): Promise<string> => file(name, encode(image));
const code = (name: string): unknown => expect.objectContaining({ name: "AsmaError", code: name });

const rgb = Uint8Array.from({ length: 4 * 5 * 3 }, (_, k) => (k * 37) % 256);

describe("readImage", () => {
  it("reads 8-bit RGB exactly, channels first", async () => {
    const image = await readImage(await png({ width: 5, height: 4, channels: 3, data: rgb }), {
      channels: 3,
    });
    expect(image).toMatchObject({ dims: [1, 3, 4, 5], bitDepth: 8, format: "png", levels: 256 });
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < 20; i++)
        expect(image.data[c * 20 + i]).toBe(Math.fround(rgb[3 * i + c]! / 255));
    }
  });

  it("reads 16-bit grey and RGB exactly", async () => {
    for (const channels of [1, 3]) {
      const data = Uint16Array.from({ length: 6 * channels }, (_, k) => (k * 10_007) % 65_536);
      const path = await png({ width: 3, height: 2, channels, depth: 16, data });
      const image = await readImage(path, { channels });
      expect(image).toMatchObject({ dims: [1, channels, 2, 3], bitDepth: 16, levels: 65_536 });
      expect(image.data[5]).toBe(Math.fround(data[5 * channels]! / 65_535));
    }
  });

  it("expands palettes and interlaced files, and scales small depths to [0, 1]", async () => {
    const colours = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ];
    const palette = await png({
      width: 3,
      height: 1,
      channels: 1,
      data: Uint8Array.of(2, 1, 0),
      palette: colours,
    });
    expect([...(await readImage(palette, { channels: 3 })).data]).toEqual([
      0, 0, 1, 0, 1, 0, 1, 0, 0,
    ]);
    const plain = { width: 5, height: 4, channels: 3, data: rgb };
    const interlaced = await file("i.png", encode(plain, { interlace: "Adam7" }));
    const expected = await readImage(await png(plain), { channels: 3 });
    expect(await readImage(interlaced, { channels: 3 })).toEqual(expected);
    const bits = await png({
      width: 8,
      height: 1,
      channels: 1,
      depth: 1,
      data: Uint8Array.of(0b10100001),
    });
    expect([...(await readImage(bits, { channels: 1 })).data]).toEqual([1, 0, 1, 0, 0, 0, 0, 1]);
  });

  it("drops an opaque alpha channel and refuses transparent pixels", async () => {
    for (const channels of [2, 4]) {
      const data = new Uint8Array(4 * channels).fill(255);
      const options = { channels: channels - 1 };
      const opaque = await png({ width: 2, height: 2, channels, data });
      expect((await readImage(opaque, options)).dims).toEqual([1, channels - 1, 2, 2]);
      data[2 * channels - 1] = 254;
      const path = await png({ width: 2, height: 2, channels, data });
      await expect(readImage(path, options)).rejects.toThrow(code("ERR_IMAGE_ALPHA"));
    }
    const faint = [
      [0, 0, 0, 255],
      [9, 9, 9, 0],
    ];
    const path = await png({
      width: 2,
      height: 1,
      channels: 1,
      data: Uint8Array.of(0, 1),
      palette: faint.toReversed(),
    });
    await expect(readImage(path, { channels: 3 })).rejects.toThrow(code("ERR_IMAGE_ALPHA"));
  });

  it("refuses the wrong number of channels, with the way out", async () => {
    const grey = await png(
      { width: 2, height: 2, channels: 1, data: new Uint8Array(4) },
      "grey.png",
    );
    await expect(readImage(grey, { channels: 3 })).rejects.toThrow(
      /RGB.*but '.*grey\.png' is grey.*save it as RGB/,
    );
    const colour = await png({ width: 5, height: 4, channels: 3, data: rgb }, "colour.png");
    await expect(readImage(colour, { channels: 1 })).rejects.toThrow(code("ERR_IMAGE_CHANNELS"));
    await expect(readImage(colour, { channels: 4 })).rejects.toThrow(code("ERR_IMAGE_CHANNELS"));
    const equal = await png({
      width: 1,
      height: 2,
      channels: 3,
      data: Uint8Array.of(7, 7, 7, 9, 9, 9),
    });
    expect([...(await readImage(equal, { channels: 1 })).data]).toEqual(
      [7, 9].map((v) => Math.fround(v / 255)),
    );
  });

  it("reads BMP, TIFF and GIF without loss, and JPEG", async () => {
    const pixels = Buffer.alloc(16 * 16 * 4, 255);
    for (let i = 0; i < 256; i++) pixels.set([i, 255 - i, (i * 5) % 256], 4 * i);
    for (const [mime, format, tolerance] of [
      [JimpMime.bmp, "bmp", 0],
      [JimpMime.tiff, "tiff", 0],
      [JimpMime.gif, "gif", 60],
      [JimpMime.jpeg, "jpeg", 60],
    ] as const) {
      const data = Buffer.alloc(pixels.length);
      pixels.copy(data);
      const jimp = Jimp.fromBitmap({ data, width: 16, height: 16 });
      const bytes = await jimp.getBuffer(mime as "image/bmp");
      const image = await readImage(await file(`x.${format}`, bytes), { channels: 3 });
      expect(image).toMatchObject({ dims: [1, 3, 16, 16], format, levels: 256 });
      for (let i = 0; i < 256; i++)
        expect(Math.abs(image.data[i]! * 255 - i), `${format} ${i}`).toBeLessThanOrEqual(
          tolerance + 1e-4,
        );
      for (let end = 0; end < bytes.length - 1; end += Math.ceil(bytes.length / 40)) {
        const cut = await file("cut", bytes.subarray(0, end));
        await expect(readImage(cut, { channels: 3 })).rejects.toThrow(code("ERR_IMAGE_UNREADABLE"));
      }
    }
  });

  it("applies EXIF rotation", async () => {
    const bytes = await Jimp.fromBitmap({
      data: Buffer.alloc(8 * 16 * 4, 255),
      width: 8,
      height: 16,
    }).getBuffer("image/jpeg");
    const exif = Buffer.from(
      "ffe1002245786966000049492a0008000000010012010300010000000600000000000000",
      "hex",
    );
    const rotated = Buffer.concat([bytes.subarray(0, 2), exif, bytes.subarray(2)]);
    expect((await readImage(await file("r.jpg", rotated), { channels: 3 })).dims).toEqual([
      1, 3, 8, 16,
    ]);
  });

  it("rejects huge claims and CMYK from the header alone", async () => {
    const header = encode({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) });
    new DataView(header.buffer, header.byteOffset).setUint32(16, 30_000);
    new DataView(header.buffer, header.byteOffset).setUint32(20, 30_000);
    const sof = (components: number, side: number): Buffer => {
      const frame = Buffer.from([
        0xff,
        0xd8,
        0xff,
        0xc0,
        0,
        20,
        8,
        0,
        0,
        0,
        0,
        components,
        ...new Uint8Array(12),
      ]);
      frame.writeUInt16BE(side, 7);
      frame.writeUInt16BE(side, 9);
      return Buffer.concat([frame, Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd9])]);
    };
    const gif = Buffer.from("474946383961307530750000003b", "hex");
    const bmp = Buffer.alloc(60);
    bmp.write("BM");
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(30_000, 18);
    bmp.writeInt32LE(-30_000, 22);
    for (const bytes of [header, sof(3, 30_000), gif, bmp]) {
      const before = process.memoryUsage().rss;
      await expect(readImage(await file("huge", bytes), { channels: 3 })).rejects.toThrow(
        code("ERR_IMAGE_TOO_LARGE"),
      );
      expect(process.memoryUsage().rss - before).toBeLessThan(2e8);
    }
    const cmyk = await file("cmyk.jpg", sof(4, 16));
    await expect(readImage(cmyk, { channels: 3 })).rejects.toThrow(code("ERR_IMAGE_COLOUR_SPACE"));
    const grey = await file("grey.jpg", sof(1, 16));
    await expect(readImage(grey, { channels: 3 })).rejects.toThrow(code("ERR_IMAGE_CHANNELS"));
    const small = await png({ width: 5, height: 4, channels: 3, data: rgb });
    await expect(readImage(small, { channels: 3, maxPixels: 19 })).rejects.toThrow(
      code("ERR_IMAGE_TOO_LARGE"),
    );
  });

  it("rejects what is no image, no file, or nothing", async () => {
    for (const bytes of [
      new Uint8Array(0),
      Buffer.from("hello, world"),
      Buffer.from("BM"),
      Buffer.from("GIF89a"),
    ]) {
      await expect(readImage(await file("x", bytes), { channels: 3 })).rejects.toThrow(
        code("ERR_IMAGE_UNREADABLE"),
      );
    }
    await expect(readImage(join(folder, "no.png"), { channels: 3 })).rejects.toThrow(
      code("ERR_FILE_NOT_FOUND"),
    );
    await expect(readImage(folder, { channels: 3 })).rejects.toThrow(code("ERR_FILE_NOT_READABLE"));
  });

  it("throws only AsmaError on damaged files of every format", async () => {
    const seeds: Uint8Array[] = [encode({ width: 5, height: 4, channels: 3, data: rgb })];
    for (const mime of [JimpMime.bmp, JimpMime.tiff, JimpMime.gif, JimpMime.jpeg]) {
      const jimp = Jimp.fromBitmap({ data: Buffer.alloc(9 * 9 * 4, 200), width: 9, height: 9 });
      seeds.push(await jimp.getBuffer(mime as "image/bmp"));
    }
    let state = 7;
    // Park and Miller's generator; the high bits are the random ones.
    const random = (n: number): number =>
      Math.floor(((state = (state * 16_807) % 2_147_483_647) / 2_147_483_647) * n);
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(seeds[round % seeds.length]!);
      for (let k = 0; k <= random(5); k++) bytes[random(bytes.length)] = random(256);
      const result = await readImage(await file("fuzz", bytes), {
        channels: 3,
        maxPixels: 1e5,
      }).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toMatchObject({ name: "AsmaError" });
    }
  });

  it("reads booleans of .npy as black and white", async () => {
    const path = join(folder, "bool.npy");
    await writeNpy(path, { data: Uint8Array.of(0, 1, 1, 0), dims: [2, 2] });
    await writeFile(path, (await readFile(path, "latin1")).replace("|u1", "|b1"), "latin1");
    const image = await readImage(path, { channels: 1 });
    expect(image).toMatchObject({ dims: [1, 1, 2, 2], levels: 256, bitDepth: 8 });
    expect([...image.data]).toEqual([0, 1, 1, 0]);
  });

  it("refuses .npy of which two axes may be the channels", async () => {
    const path = join(folder, "either.npy");
    const data = new Float32Array(3 * 31 * 3);
    await writeNpy(path, { data, dims: [3, 31, 3] });
    await expect(readImage(path, { channels: 3 })).rejects.toThrow(
      /may be \[3, H, W\] or \[H, W, 3\]: bring it as \[1, 3, H, W\]/,
    );
    await writeNpy(path, { data, dims: [1, 3, 31, 3] });
    expect((await readImage(path, { channels: 3 })).dims).toEqual([1, 3, 31, 3]);
  });

  it("reads .npy in each layout and refuses values outside [0, 1]", async () => {
    const path = join(folder, "x.npy");
    const data = Float32Array.from({ length: 24 }, (_, k) => k / 23);
    for (const dims of [
      [3, 2, 4],
      [1, 3, 2, 4],
    ]) {
      await writeNpy(path, { data, dims });
      const image = await readImage(path, { channels: 3 });
      expect(image).toMatchObject({
        dims: [1, 3, 2, 4],
        bitDepth: 32,
        format: "npy",
        levels: Infinity,
      });
      expect(image.data).toEqual(data);
    }
    await writeNpy(path, { data, dims: [2, 4, 3] });
    expect((await readImage(path, { channels: 3 })).data[1]).toBe(data[3]);
    await writeNpy(path, { data, dims: [6, 4] });
    expect((await readImage(path, { channels: 1 })).dims).toEqual([1, 1, 6, 4]);
    await expect(readImage(path, { channels: 3 })).rejects.toThrow(code("ERR_ARRAY_SHAPE"));
    await writeNpy(path, { data: Uint8Array.of(0, 255), dims: [1, 2] });
    expect(await readImage(path, { channels: 1 })).toMatchObject({
      data: Float32Array.of(0, 1),
      levels: 256,
    });
    await writeNpy(path, { data: Uint16Array.of(0, 257, 65_535), dims: [1, 3] });
    expect(await readImage(path, { channels: 1 })).toMatchObject({
      data: Float32Array.of(0, 1 / 255, 1),
      levels: 65_536,
    });
    for (const value of [1.01, -0.1, NaN]) {
      await writeNpy(path, { data: Float32Array.of(value), dims: [1, 1] });
      await expect(readImage(path, { channels: 1 })).rejects.toThrow(code("ERR_IMAGE_RANGE"));
    }
  });
});
