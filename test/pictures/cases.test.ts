import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readImage, readMask, type ResultRecord } from "@onnx-asma/node";
import { describe, expect, it } from "vitest";
import { decodePng } from "../support/png.ts";
import { runJson, temporaryFolder } from "../support/run-cli.ts";

const path = (file: string): string => new URL(`../cases/${file}`, import.meta.url).pathname;

/** Samples by Pillow and tifffile, [H, W] or [H, W, 3] of 8 bits, upright. */
const expected = JSON.parse(readFileSync(path("expected-pictures.json"), "utf8")) as Record<
  string,
  { readonly dims: readonly number[]; readonly data: readonly number[] }
>;

const code = (name: string): unknown => expect.objectContaining({ name: "AsmaError", code: name });

/** Samples of 8 bits, row by row, channels interleaved. */
async function samplesOf(file: string, channels: number) {
  const { data, dims } = await readImage(path(file), { channels });
  const [, , height, width] = dims as unknown as [number, number, number, number];
  const pixels = height * width;
  const samples = Array.from({ length: data.length }, (_, k) =>
    Math.round((data[(k % channels) * pixels + Math.floor(k / channels)] as number) * 255),
  );
  return { samples, height, width };
}

/** The rectangle that is class 1, and how many pixels are. */
function extentOf({ data, dims }: { data: Int32Array; dims: readonly number[] }) {
  const width = dims[1] as number;
  const ones = [...data.keys()].filter((i) => data[i] === 1);
  const rows = ones.map((i) => Math.floor(i / width));
  const columns = ones.map((i) => i % width);
  const span = (values: number[]) => [Math.min(...values), Math.max(...values)];
  return { count: ones.length, rows: span(rows), columns: span(columns) };
}

describe("pictures that were misread", () => {
  it.each(Object.entries(expected))("%s", async (file, { dims, data }) => {
    const channels = dims.length === 2 ? 1 : 3;
    const { samples, height, width } = await samplesOf(file, channels);
    expect([height, width]).toEqual(dims.slice(0, 2));
    const largest = /\.jpg|jpeg/.test(file) ? 1 : 0;
    const distances = samples.map((sample, i) => Math.abs(sample - (data[i] as number)));
    expect(Math.max(...distances)).toBeLessThanOrEqual(largest);
  });

  it("a photograph whose chroma is stored at half the resolution", async () => {
    const whole = await samplesOf("jpeg-chroma/astronaut_420.jpg", 3);
    const crop = await samplesOf("jpeg-chroma/astronaut_420-crop.png", 3);
    const [top, left, side] = [64, 192, 128];
    let [off, far] = [0, 0];
    crop.samples.forEach((sample, i) => {
      const [y, x] = [Math.floor(i / 3 / side), Math.floor(i / 3) % side];
      const at = 3 * ((top + y) * whole.width + left + x) + (i % 3);
      const distance = Math.abs((whole.samples[at] as number) - sample);
      if (distance > 1) off += 1;
      if (distance > 3) far += 1;
    });
    expect(off).toBeLessThanOrEqual(0.001 * crop.samples.length);
    expect(far).toBe(0);
  });

  it.each([
    ["t_rgb_jpeg2000.tif", "ERR_IMAGE_UNREADABLE", /JPEG 2000/],
    ["t_lab.tif", "ERR_IMAGE_COLOUR_SPACE", /CIELab/],
  ])("%s is refused by name", async (file, name, message) => {
    const read = () => readImage(path(`tiff-silent/${file}`), { channels: 3 });
    await expect(read()).rejects.toThrow(code(name));
    await expect(read()).rejects.toThrow(message);
  });
});

describe("masks that were misread", () => {
  it("one compressed with ZSTD", async () => {
    const mask = await readMask(path("tiff-silent/mask_zstd.tif"), { classes: 2 });
    expect(extentOf(mask)).toEqual({ count: 144, rows: [8, 19], columns: [8, 19] });
  });

  it.each([undefined, 127])(
    "a black-and-white palette whose first colour is white",
    async (threshold) => {
      const file = path("bw-palette-mask/pil_quantize2.png");
      const mask = await readMask(file, { classes: 2, threshold });
      expect(extentOf(mask)).toEqual({ count: 168, rows: [4, 17], columns: [5, 27] });
    },
  );

  it("labels under a threshold", async () => {
    const [folder, cases] = [temporaryFolder(), "mask-threshold-ignored"];
    const out = join(folder, "out");
    const args = ["attack", path(`${cases}/plain.onnx`), path(`${cases}/n32.png`), "-o", out];
    const target = ["--target", path(`${cases}/lab012.png`), "--mask-threshold", "0"];
    await runJson<ResultRecord>([...args, ...target, "--iterations", "1"]);
    const written = decodePng(readFileSync(join(out, "target.png"))).data;
    const labels = await readMask(path(`${cases}/lab012.png`), { classes: 3 });
    expect(Array.from(written)).toEqual([...labels.data].map((label) => (label > 0 ? 1 : 0)));
  });
});
