import { describe, expect, it } from "vitest";
import { imageFromNpy } from "../npy/index.ts";
import type { ImageTensor } from "../image.ts";
import { isPng } from "./png-layout.ts";
import { encodeImage, imageFormatOf } from "./encode-image.ts";

function image(levels: number | undefined, dims: ImageTensor["dims"] = [1, 3, 4, 5]): ImageTensor {
  const count = dims.reduce((n, d) => n * d, 1);
  const top = levels === undefined || levels === Infinity ? 255 : levels - 1;
  const data = Float32Array.from({ length: count }, (_, i) => ((i * 37) % (top + 1)) / top);
  return { data, dims, levels };
}

describe("encodeImage", () => {
  it("takes PNG where it can hold the image, otherwise .npy of its levels", () => {
    const formats = [
      image(256),
      image(65_536),
      image(undefined),
      image(Infinity),
      image(1001),
      image(256, [1, 4, 4, 5]),
      image(65_536, [1, 1, 3, 4, 5]),
    ].map((one) => imageFormatOf(one));
    expect(formats).toEqual([
      { format: "png", levels: 256 },
      { format: "png", levels: 65_536 },
      { format: "png", levels: 256 },
      { format: "npy", levels: undefined },
      { format: "npy", levels: undefined },
      { format: "npy", levels: 256 },
      { format: "npy", levels: 65_536 },
    ]);
    expect(isPng(encodeImage(image(256)))).toBe(true);
  });

  it.each([Infinity, 256, 65_536])("keeps every value of %s levels in .npy", (levels) => {
    const one = image(levels, [1, 1, 3, 4, 5]);
    const read = imageFromNpy(encodeImage(one), "image.npy", { channels: 1, spatialAxes: 3 });
    expect(read.levels).toBe(levels);
    expect([...read.data]).toEqual([...one.data]);
  });
});

it("refuses what is not one image", () => {
  for (const dims of [
    [2, 1, 1, 2],
    [1, 1, 0, 0],
  ]) {
    const data = new Float32Array(dims[0] === 2 ? 4 : 0);
    expect(() => encodeImage({ data, dims: dims as never })).toThrow(
      expect.objectContaining({ code: "ERR_ARRAY_SHAPE" }) as Error,
    );
  }
});
