import { describe, expect, it } from "vitest";
import { parsePreprocessor } from "@onnx-asma/core/preprocessor";
import { pixelValues, positions, readCases, sizes } from "./support.ts";

/** What entry a file is refused by. */
const refusedBy: Readonly<Record<string, string>> = {
  swin2sr: "do_pad",
  "eomt-split": "do_split_image",
  vitmatte: "VitMatteImageProcessor",
  zoedepth: "ZoeDepthImageProcessor",
  owlv2: "Owlv2ImageProcessor",
  donut: "do_thumbnail",
  superpoint: "do_grayscale",
  efficientnet: "rescale_offset",
  "beit-cropped": "do_center_crop",
  "dpt-padded": "do_pad",
  "filter-0": "resample",
  "filter-4": "resample",
  "filter-5": "resample",
};

describe.each([
  ["transformers", "python.json"],
  ["transformers on torchvision", "fast.json"],
  ["transformers.js", "javascript.json"],
])("what %s makes of three pictures", (_library, file) => {
  it.each(readCases(file))("%s", async (name, { config, found }) => {
    const text = JSON.stringify(config);
    if (found === undefined) {
      const entry = refusedBy[name] as string;
      await expect(pixelValues(text, sizes[0])).rejects.toThrow(
        expect.objectContaining({
          code: "ERR_PREPROCESSOR",
          message: expect.stringContaining(entry),
        }),
      );
      return;
    }
    // The numbers of the model, in levels of the picture.
    const { std = [1], range, resampling } = parsePreprocessor(text, "p.json");
    for (const [i, { dims, values }] of found.entries()) {
      const ours = await pixelValues(text, sizes[i] as (typeof sizes)[number]);
      expect(ours.dims).toEqual(dims);
      const at = positions(ours.data.length, values.length);
      const plane = ours.data.length / 3;
      const worst = values.reduce((most, value, k) => {
        const position = at[k] as number;
        const scale = (std[Math.floor(position / plane) % std.length] as number) / range[1];
        return Math.max(most, Math.abs((ours.data[position] as number) - value) * scale);
      }, 0);
      if (process.env["TABLE"] !== undefined) {
        console.log(
          `${name} ${sizes[i]?.join("×")} → ${dims.join("×")} ${(worst * 255).toFixed(2)}/255`,
        );
      }
      // Pillow rounds to 8 bits after each of two axes, which weights that are negative too make more of.
      const isSharp = resampling === "bicubic" || resampling === "lanczos";
      expect(worst).toBeLessThanOrEqual((isSharp ? 1.25 : 1.001) / 255);
    }
  });
});
