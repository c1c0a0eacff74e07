import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { shownResult, valueAt } from "../../../../test/support/shown-result.ts";
import { perturbationFigure, perturbationSvg } from "./perturbation-figure.ts";

const wordsOf = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]).join(" ");

/** Both maps of a figure as pixels; the colour bars are lower. */
const mapsOf = (svg: string) =>
  [...svg.matchAll(/<image x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" href="[^,]*,([^"]*)"/g)]
    .map(([, x, y, , , data]) => ({
      x: Number(x),
      y: Number(y),
      png: decode(Buffer.from(data as string, "base64")),
    }))
    .filter(({ png }) => png.height > 20);

const [height, width] = [50, 80];
/** Changes of 1 to 6 levels in a third of the pixels; pixel (9, 11) as told. */
const changing =
  (odd = 2) =>
  (y: number, x: number, c: number) => {
    if (y === 9 && x === 11) return odd;
    return (y + x) % 3 === 0 ? ((y * 7 + x * 5 + c) % 13) - 6 : 0;
  };

describe("perturbationFigure", () => {
  it("tells factor, percentile and clipped share as they are", () => {
    const shown = shownResult({ height, width, changeAt: changing(120) });
    // Recomputed from the two images alone.
    const strongest = Array.from({ length: height * width }, (_, i) =>
      Math.max(
        ...[0, 1, 2].map((c) => {
          const [y, x] = [Math.floor(i / width), i % width];
          return Math.abs(
            Math.round(255 * valueAt(shown.adversarial, c, y, x)) -
              Math.round(255 * valueAt(shown.original, c, y, x)),
          );
        }),
      ),
    );
    const changed = strongest.filter((v) => v > 0).toSorted((a, b) => a - b);
    const p99 = changed.find((v) => changed.filter((w) => w <= v).length >= 0.99 * changed.length);
    const clipped = changed.filter((v) => v > (p99 as number)).length / changed.length;
    const words = wordsOf(perturbationSvg(shown));
    expect(p99).toBe(6);
    expect(clipped).toBeGreaterThan(0);
    expect(words).toContain(`Amplified ×${(255 / (p99 as number)).toPrecision(3)}`);
    expect(words).toContain("the colours end at ±6, the 99th percentile of the changed pixels");
    const [, told] = /; ([\d.]+) % of these are clipped/.exec(words) as RegExpExecArray;
    // Two decimals, up.
    expect(Number(told)).toBeGreaterThanOrEqual(100 * clipped);
    expect(Number(told)).toBeLessThan(100 * clipped + 0.01);
    const [, unchanged] = /unchanged \(([\d.]+) % of the pixels\)/.exec(words) as RegExpExecArray;
    const share = 100 * (1 - changed.length / strongest.length);
    expect(Math.abs(Number(unchanged) - share)).toBeLessThan(0.0101);
    expect(words).toContain("Largest: 120.");
  });

  it("looks the same but for one pixel that changed far more", () => {
    const [calm, odd] = [2, 120].map((one) =>
      mapsOf(perturbationSvg(shownResult({ height, width, changeAt: changing(one) }))),
    ) as [ReturnType<typeof mapsOf>, ReturnType<typeof mapsOf>];
    const grown = (calm[1]?.png.width ?? 0) / width;
    // The signed map: everything else has the same colour.
    let differing = 0;
    const [before, after] = [calm[1]?.png, odd[1]?.png];
    for (let i = 0; i < (before?.data.length ?? 0); i += 3) {
      const isSame = [0, 1, 2].every((c) => before?.data[i + c] === after?.data[i + c]);
      differing += isSame ? 0 : 1;
    }
    expect(differing).toBe(grown * grown);
    // |change|: what changed is still far from what did not.
    const png = odd[0]?.png as NonNullable<typeof before>;
    const colours = new Set<string>();
    for (let i = 0; i < png.data.length; i += 3) {
      colours.add([...png.data.subarray(i, i + 3)].join());
    }
    // Unchanged, 1 to 6, and 120.
    expect(colours.size).toBe(8);
  });

  it("is drawn as it is told: pixels of the PNG have the colours of their change", () => {
    const shown = shownResult({ height, width, changeAt: changing(120) });
    const png = decode(perturbationFigure(shown));
    expect(png.width).toBe(1600);
    const [magnitude, signed] = mapsOf(perturbationSvg(shown)) as [never, never] as readonly {
      x: number;
      y: number;
      png: { width: number };
    }[];
    const grown = (magnitude?.png.width ?? 0) / width;
    const colourAt = (map: typeof magnitude, y: number, x: number) => {
      const row = (map?.y ?? 0) + y * grown + Math.floor(grown / 2);
      const column = (map?.x ?? 0) + x * grown + Math.floor(grown / 2);
      const at = png.channels * (row * png.width + column);
      return [...png.data.subarray(at, at + 3)];
    };
    // The largest of the logarithmic scale is the last colour of Inferno; what did not change is black and white.
    expect(colourAt(magnitude, 9, 11)).toEqual([252, 255, 164]);
    expect(colourAt(magnitude, 0, 1)).toEqual([12, 12, 20]);
    expect(colourAt(signed, 0, 1)).toEqual([255, 255, 255]);
    // Brighter is orange, darker is violet, and what is clipped is as 6 levels are.
    const [brighter, darker] = [1, -1].map((sign) => {
      const i = shown.change.values.findIndex((v) => v === 6 * sign);
      return colourAt(signed, Math.floor(i / width), i % width);
    }) as [number[], number[]];
    expect((brighter[0] as number) - (brighter[2] as number)).toBeGreaterThan(100);
    expect((darker[2] as number) - (darker[0] as number)).toBeGreaterThan(30);
    expect(colourAt(signed, 9, 11)).toEqual(brighter);
  });

  it("loses no single pixel of a large image", () => {
    const shown = shownResult({
      height: 900,
      width: 1300,
      changeAt: (y, x, c) => (c === 1 && y === 333 && x === 777 ? 9 : 0),
    });
    const svg = perturbationSvg(shown);
    const { png } = mapsOf(svg)[0] as ReturnType<typeof mapsOf>[number];
    expect(png.width).toBeLessThan(1300);
    let bright = 0;
    for (let i = 0; i < png.data.length; i += 3) bright += Number((png.data[i] as number) > 200);
    expect(bright).toBeGreaterThan(0);
    expect(wordsOf(svg)).toContain(
      "Shrunk from 1300 × 900: a dot is the largest change of its pixels.",
    );
  });

  it("says so when nothing changed, and draws no scale", () => {
    const svg = perturbationSvg(shownResult({ changeAt: () => 0 }));
    expect(wordsOf(svg)).toContain("Nothing changed: all of it is black.");
    expect(wordsOf(svg)).toContain("Nothing changed: all of it is white.");
    expect(svg.match(/<image /g)).toHaveLength(2);
  });

  it("puts wide images below each other, and outlines the region in both maps", () => {
    const region = {
      data: Float32Array.from({ length: 9000 }, (_, i) => i % 2),
      width: 900,
      height: 10,
    };
    const svg = perturbationSvg(shownResult({ height: 10, width: 900, region }));
    const [first, second] = [...svg.matchAll(/<image x="(\d+)" y="(\d+)"/g)].filter(
      (_, k) => k % 2 === 0,
    );
    expect(first?.[1]).toBe(second?.[1]);
    expect(Number(second?.[2])).toBeGreaterThan(Number(first?.[2]) + 50);
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(2);
    expect(wordsOf(svg)).toContain("Dashed: the region that may change.");
  });
});
