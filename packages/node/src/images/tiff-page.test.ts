import { Jimp } from "jimp";
import { expect, it } from "vitest";
import { keepFirstPage } from "./tiff-page.ts";

async function tiff(): Promise<Buffer> {
  const data = Buffer.alloc(4 * 12 * 10, 255);
  for (let i = 0; i < 120; i++) data.set([i, 2 * i, 255 - i], 4 * i);
  const bytes = await Jimp.fromBitmap({ data, width: 12, height: 10 }).getBuffer("image/tiff");
  return Buffer.from(Uint8Array.from(bytes).buffer);
}
/** Where the directory entry of `tag` begins. */
function entry(bytes: Buffer, tag: number): number {
  const start = bytes.readUInt32BE(4);
  for (let at = start + 2; at < start + 2 + 12 * bytes.readUInt16BE(start); at += 12) {
    if (bytes.readUInt16BE(at) === tag) return at;
  }
  throw new Error(`no tag ${tag}`);
}

it("keeps the pixels", async () => {
  const whole = await tiff();
  const { bitmap } = await Jimp.fromBuffer(whole);
  keepFirstPage(whole);
  expect((await Jimp.fromBuffer(whole)).bitmap).toEqual(bitmap);
});

it("ends circles of pages and hides values that claim billions of elements", async () => {
  const bytes = await tiff();
  const start = bytes.readUInt32BE(4);
  bytes.writeUInt32BE(start, start + 2 + 12 * bytes.readUInt16BE(start));
  bytes.writeUInt32BE(0xc600_0001, entry(bytes, 283) + 4);
  bytes.writeUInt16BE(330, entry(bytes, 305));
  keepFirstPage(bytes);
  expect(() => entry(bytes, 283)).toThrow("no tag");
  expect(() => entry(bytes, 330)).toThrow("no tag");
  expect((await Jimp.fromBuffer(bytes)).bitmap).toMatchObject({ width: 12, height: 10 });
});

it("refuses absurd sample counts and directories outside the file", async () => {
  const bytes = await tiff();
  bytes.writeUInt16BE(60_000, entry(bytes, 277) + 8);
  expect(() => keepFirstPage(bytes)).toThrow(RangeError);
  const outside = await tiff();
  outside.writeUInt32BE(0xffff_fff0, 4);
  expect(() => keepFirstPage(outside)).toThrow(RangeError);
});
