import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { overviewPicture, overviewSvg, type Overview } from "./overview-picture.ts";

function overviewOf(height: number, width: number, snapshots: number): Overview {
  const dims = [1, 3, height, width] as const;
  const data = Float32Array.from({ length: 3 * height * width }, (_, k) => (k % 97) / 96);
  const label = (border: number) => ({
    data: Int32Array.from({ length: 24 }, (_, k) => (k < border ? 1 : 0)),
    dims: [4, 6] as const,
  });
  return {
    original: { data, dims },
    adversarial: { data: data.map((v) => v * 0.99), dims },
    prediction: label(3),
    target: label(12),
    adversarialPrediction: label(12),
    snapshots: Array.from({ length: snapshots }, (_, k) => ({
      iteration: k,
      prediction: label(k),
    })),
  };
}

describe("overviewPicture", () => {
  it("is a PNG of 1600 pixels for any shape of image", () => {
    for (const [height, width] of [
      [1, 1],
      [40, 60],
      [300, 20],
      [9, 900],
    ] as const) {
      const png = decode(overviewPicture(overviewOf(height, width, 4)));
      expect(png.width).toBe(1600);
      expect(png.height).toBeLessThan(1200);
    }
  });

  it("draws its captions with the font of this package", () => {
    const plain = decode(overviewPicture(overviewOf(40, 60, 0)));
    const rows = (y: number): boolean =>
      plain.data.subarray(y * 1600 * 4, (y + 1) * 1600 * 4).some((v) => v < 100);
    const captionRows = Array.from({ length: 50 }, (_, k) => plain.height - 75 + k);
    expect(captionRows.some(rows)).toBe(true);
  });

  it("shows four snapshots, first and last among them", () => {
    const svg = overviewSvg(overviewOf(40, 60, 11));
    expect(svg.match(/<image /g)).toHaveLength(9);
    expect(svg.match(/Iteration \d+/g)).toEqual([
      "Iteration 0",
      "Iteration 3",
      "Iteration 7",
      "Iteration 10",
    ]);
    expect(overviewSvg(overviewOf(40, 60, 0))).not.toContain("Wrong pixels");
  });

  it("escapes markup, drops control characters and cuts lines that are too long", () => {
    const title = `<script>&"\u0000 ${"x".repeat(400)}`;
    const svg = overviewSvg({
      ...overviewOf(4, 6, 1),
      title,
      facts: [{ name: "IoU", value: "<1" }],
    });
    expect(svg).not.toContain("<script>");
    expect(svg).toContain("&lt;script&gt;&amp;&quot;");
    expect(svg).toContain("…");
    expect(svg).toContain("&lt;1");
    expect(() => overviewPicture({ ...overviewOf(4, 6, 1), title })).not.toThrow();
  });

  it("says so when there is no perturbation", () => {
    const overview = overviewOf(4, 6, 1);
    expect(overviewSvg({ ...overview, adversarial: overview.original })).toContain(
      "too small to draw",
    );
  });
});
