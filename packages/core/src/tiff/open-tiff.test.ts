import { describe, expect, it } from "vitest";
import type { PictureHost } from "../picture/picture-host.ts";
import { openTiff } from "./open-tiff.ts";

type Tags = Readonly<Record<number, readonly number[]>>;

/** A little-endian TIFF of LONG tags, with zeros for pixels behind its directory. */
function tiff(tags: Tags, { next = 0, pixels = 64 } = {}): Uint8Array {
  const entries = Object.entries(tags);
  const valuesAt = 8 + 2 + 12 * entries.length + 4;
  const long = entries.filter(([, values]) => values.length > 1);
  const pixelsAt = valuesAt + long.reduce((sum, [, values]) => sum + 4 * values.length, 0);
  const view = new DataView(new ArrayBuffer(pixelsAt + pixels));
  view.setUint32(0, 0x00_2a_49_49, true);
  view.setUint32(4, 8, true);
  view.setUint16(8, entries.length, true);
  let valueAt = valuesAt;
  entries.forEach(([tag, values], k) => {
    const at = 10 + 12 * k;
    view.setUint16(at, Number(tag), true);
    view.setUint16(at + 2, 4, true);
    view.setUint32(at + 4, values.length, true);
    if (values.length > 1) view.setUint32(at + 8, valueAt, true);
    values.forEach((value, i) => {
      const place = values.length > 1 ? valueAt + 4 * i : at + 8;
      view.setUint32(place, tag === "273" || tag === "324" ? pixelsAt + value : value, true);
    });
    if (values.length > 1) valueAt += 4 * values.length;
  });
  view.setUint32(valuesAt - 4, next, true);
  return new Uint8Array(view.buffer);
}

const grey: Tags = {
  256: [8],
  257: [8],
  258: [8],
  259: [1],
  262: [1],
  273: [0],
  277: [1],
  278: [8],
  279: [64],
};
const host: PictureHost = {
  inflate: () => Promise.reject(new Error("none")),
  decodePhoto: () => Promise.reject(new Error("none")),
};
const open = (tags: Tags, options?: Parameters<typeof tiff>[1]) =>
  openTiff(tiff(tags, options), "'x.tif'", { host });

describe("openTiff", () => {
  it("reads what is whole", async () => {
    const picture = open(grey);
    expect(picture).toMatchObject({ grey: true, pages: 1, isLossy: false });
    expect(await picture.decode()).toMatchObject({ height: 8, width: 8, bitDepth: 8 });
  });

  it.each<[string, Tags, string, RegExp]>([
    ["an unknown compression", { ...grey, 259: [34_925] }, "ERR_IMAGE_UNREADABLE", /LZMA/],
    [
      "fax where nothing decodes it",
      { ...grey, 258: [1], 259: [4] },
      "ERR_IMAGE_UNREADABLE",
      /CCITT group 4/,
    ],
    ["an unknown colour space", { ...grey, 262: [5] }, "ERR_IMAGE_COLOUR_SPACE", /CMYK/],
    [
      "YCbCr outside of JPEG",
      { ...grey, 262: [6], 277: [3], 258: [8, 8, 8], 257: [2] },
      "ERR_IMAGE_COLOUR_SPACE",
      /YCbCr/,
    ],
    ["other channels", { ...grey, 277: [2], 257: [4] }, "ERR_IMAGE_CHANNELS", /TIFF of 2/],
    ["an odd depth", { ...grey, 258: [7] }, "ERR_IMAGE_BIT_DEPTH", /7 bits/],
    ["another predictor", { ...grey, 259: [5], 317: [7] }, "ERR_IMAGE_UNREADABLE", /predictor 7/],
    [
      "samples that differ",
      { ...grey, 277: [3], 262: [2], 258: [5, 6, 5] },
      "ERR_IMAGE_UNREADABLE",
      /samples differ/,
    ],
    [
      "too many pixels",
      { ...grey, 256: [70_000], 257: [70_000] },
      "ERR_IMAGE_TOO_LARGE",
      /megapixels/,
    ],
    ["no pixels", { ...grey, 256: [0] }, "ERR_IMAGE_UNREADABLE", /0x8/],
    ["missing strips", { ...grey, 278: [1] }, "ERR_IMAGE_UNREADABLE", /7 of its 8 strips/],
    ["strips behind its end", { ...grey, 273: [9999] }, "ERR_IMAGE_UNREADABLE", /cut off/],
    ["short strips", { ...grey, 279: [3] }, "ERR_IMAGE_UNREADABLE", /short/],
    [
      "empty tiles",
      { ...grey, 322: [0], 323: [16], 324: [0], 325: [64] },
      "ERR_IMAGE_UNREADABLE",
      /empty/,
    ],
    [
      "huge tiles",
      { ...grey, 322: [60_000], 323: [60_000], 324: [0], 325: [64] },
      "ERR_IMAGE_UNREADABLE",
      /too large/,
    ],
  ])("refuses %s by name", (_, tags, code, message) => {
    const attempt = () => open(tags);
    expect(attempt).toThrow(expect.objectContaining({ name: "AsmaError", code }));
    expect(attempt).toThrow(message);
  });

  it("counts pages, and refuses those that run in a circle", () => {
    const size = tiff(grey).length - 64;
    expect(() => open(grey, { next: 8 })).toThrow(/circle/);
    expect(() => open(grey, { next: size + 1000 })).toThrow(/damaged/);
  });

  it("refuses a block that unpacks to less than its size", async () => {
    // Pairs of zeros: one zero as it is.
    const packBits = { ...grey, 259: [32_773], 279: [128] };
    await expect(open(packBits, { pixels: 128 }).decode()).resolves.toMatchObject({ height: 8 });
    await expect(open({ ...packBits, 279: [20] }).decode()).rejects.toThrow(/pixels are missing/);
  });
});
