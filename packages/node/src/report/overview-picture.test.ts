import * as Plot from "@observablehq/plot";
import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { shownResult, type ShownParts } from "../../../../test/support/shown-result.ts";
import { classColour } from "../images/palette.ts";
import { hex } from "./colour-bar.ts";
import { overviewPicture, overviewSvg } from "./overview-picture.ts";
import { rightColour } from "./wrong-pixels-picture.ts";

/** Captions and notes, as they are written. */
const textsOf = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1] as string);

/** Pictures of 32 pixels or more, in order, and where they lie: colour bars are lower. */
const picturesOf = (svg: string) =>
  [...svg.matchAll(/<image x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" href="[^,]*,([^"]*)"/g)]
    .map(([, x, y, width, height, data]) => ({
      x: Number(x),
      y: Number(y),
      width: Number(width),
      height: Number(height),
      png: decode(Buffer.from(data as string, "base64")),
    }))
    .filter(({ height }) => height >= 32);

const partsOf = (parts: ShownParts) => {
  const shown = shownResult(parts);
  return { shown, svg: overviewSvg(shown) };
};
const { outcome } = shownResult();

describe("overviewPicture", () => {
  it("is a PNG of 1600 pixels for any shape of image", () => {
    for (const [height, width] of [
      [1, 1],
      [40, 60],
      [300, 20],
      [9, 900],
    ] as const) {
      const png = decode(overviewPicture(shownResult({ height, width })));
      expect(png.width).toBe(1600);
      expect(png.height).toBeLessThan(2000);
    }
  });

  it("has the verdict, the change and the figures in words", () => {
    const { svg } = partsOf({ title: "a.onnx on b.png", attack: "ASMA" });
    const texts = textsOf(svg);
    expect(texts[0]).toBe("a.onnx on b.png");
    expect(texts[1]).toBe(
      "Reached in 40 steps: the model draws the target with 97.20 % IoU (foreground; goal 95 %).",
    );
    expect(texts[2]).toMatch(/^The picture changed by at most 3 of 255 levels .* SSIM 0\.9980\.$/);
    expect(texts[3]).toBe(
      "ASMA, measured on adversarial.png as it was read back, by the untouched model.",
    );
    expect(texts).toEqual(
      expect.arrayContaining(["97.20 %", "IoU, foreground", "99.69 %", "3/255", "1.84", "48.9 dB"]),
    );
  });

  it("tells reached from missed by shape as well as by colour", () => {
    const missed = { ...outcome, reached: false, saved: { ...outcome.saved, reached: false } };
    const marks = [outcome, missed].map(
      (each) =>
        /<circle.*?<path d="([^"]*)"/.exec(overviewSvg(shownResult({ outcome: each })))?.[1],
    );
    expect(marks[0]).toMatch(/^M\d+ \d+(\.\d+)?l/);
    expect(marks[0]).not.toBe(marks[1]);
  });

  it("shows both images without anything over them", () => {
    const { shown, svg } = partsOf({ height: 40, width: 60 });
    for (const [k, image] of [
      [0, shown.original],
      [3, shown.adversarial],
    ] as const) {
      const { png, width } = picturesOf(svg)[k] as ReturnType<typeof picturesOf>[number];
      const grown = width / 60;
      for (const [y, x] of [
        [0, 0],
        [20, 30],
        [39, 59],
      ] as const) {
        const at = 3 * ((y * grown + 2) * width + x * grown + 2);
        const values = [0, 1, 2].map((c) => 255 * (image.data[(c * 40 + y) * 60 + x] as number));
        expect([...png.data.subarray(at, at + 3)]).toEqual(values.map(Math.round));
      }
    }
  });

  it("draws labels in the colours that the legend names, and only those that occur", () => {
    const { shown, svg } = partsOf({
      classes: 4,
      classNames: ["ground", "disc", "cup", "vessel"],
      predictionBefore: { dims: [1, 2], data: Int32Array.of(0, 1) },
      target: { dims: [1, 2], data: Int32Array.of(0, 3) },
      predictionAfter: { dims: [1, 2], data: Int32Array.of(0, 0) },
      snapshots: [],
    });
    const texts = textsOf(svg);
    const from = texts.indexOf("Classes") + 1;
    expect(texts.slice(from, from + 3)).toEqual(["ground", "disc", "vessel"]);
    expect(texts).not.toContain("cup");
    for (const label of [0, 1, 3]) {
      expect(svg).toContain(`fill="${hex(classColour(label))}" stroke`);
    }
    const [, before, target, , after] = picturesOf(svg).map(({ png }) => [
      ...png.data.subarray(3 * (png.width - 1), 3 * png.width),
    ]);
    expect([before, target, after]).toEqual([1, 3, 0].map((label) => [...classColour(label)]));
    expect(shown.change.changed).toBeGreaterThan(0);
  });

  it("draws each change in the colour that the scale below has for it", () => {
    // From 1 to 100 levels: 10 lies in the middle of a logarithmic scale.
    const changes = [0, 1, 10, 100];
    const shown = shownResult({
      height: 1,
      width: 4,
      channels: 1,
      changeAt: (_, x) => changes[x] as number,
    });
    const change = picturesOf(overviewSvg(shown))[5] as ReturnType<typeof picturesOf>[number];
    const png = decode(overviewPicture(shown));
    const scale = Plot.scale({ color: { type: "linear", scheme: "inferno", domain: [0, 1] } });
    const expected = [0.28, 0.64, 1].map((t) => (scale.apply(t) as string).slice(1));
    changes.slice(1).forEach((_, k) => {
      const x = change.x + ((k + 1.5) * change.width) / 4;
      const at = png.channels * ((change.y + 20) * png.width + Math.floor(x));
      const wanted = Buffer.from(expected[k] as string, "hex");
      [0, 1, 2].forEach((c) =>
        expect(Math.abs((png.data[at + c] as number) - (wanted[c] as number))).toBeLessThan(2),
      );
    });
    expect(textsOf(overviewSvg(shown))).toEqual(
      expect.arrayContaining(["Change, in levels of 255", "1", "10", "100"]),
    );
  });

  it("ends with what is wrong on the best image, however long the attack went on", () => {
    const at = (label: number) => ({ dims: [1, 2] as const, data: Int32Array.of(label, label) });
    const { svg } = partsOf({
      height: 1,
      width: 2,
      predictionBefore: at(0),
      target: at(1),
      predictionAfter: at(1),
      snapshots: Array.from({ length: 11 }, (_, k) => ({ iteration: 8 * k, prediction: at(0) })),
      outcome: { ...outcome, best: { step: 40 }, steps: 80 },
    });
    expect(textsOf(svg).filter((each) => each.startsWith("Iteration"))).toEqual([
      "Iteration 0",
      "Iteration 8",
      "Iteration 16",
      "Iteration 24",
      "Iteration 32",
      "Iteration 40: the best",
    ]);
    expect(textsOf(svg).filter((each) => each.endsWith("pixels"))).toEqual([
      ...Array.from({ length: 5 }, () => "2 pixels"),
      "0 pixels",
    ]);
    const colours = picturesOf(svg)
      .slice(6)
      .map(({ png }) => [...png.data.subarray(0, 3)]);
    expect(colours[0]).toEqual([...classColour(1)]);
    expect(colours.at(-1)).toEqual([...rightColour]);
  });

  it("outlines the region on the change, and says so", () => {
    const inside = Float32Array.from({ length: 2400 }, (_, i) =>
      Number(i % 60 >= 10 && i % 60 < 30 && i >= 300 && i < 1200),
    );
    const { svg } = partsOf({ region: { data: inside, width: 60, height: 40 } });
    const { x, y } = picturesOf(svg)[5] as { x: number; y: number };
    // Pixels are drawn 8 × 8: columns 10 to 30, rows 5 to 20.
    const [left, right, top, bottom] = [x + 80, x + 240, y + 40, y + 160];
    const path = `M${left} ${top}H${right}M${left} ${bottom}H${right}M${left} ${top}V${bottom}M${right} ${top}V${bottom}`;
    expect(svg.split(`d="${path}"`)).toHaveLength(3);
    expect(textsOf(svg)).toContain("region that may change");
    expect(textsOf(partsOf({}).svg)).not.toContain("region that may change");
  });

  it("lays labels where the model has some, and names the rest", () => {
    const { svg } = partsOf({ placement: { top: 10, left: 20, height: 20, width: 30 } });
    const [image, before] = picturesOf(svg) as [never, never] as readonly {
      x: number;
      y: number;
      width: number;
      height: number;
    }[];
    expect(before).toMatchObject({ y: (image?.y ?? 0) + 80, width: 240, height: 160 });
    expect(svg.split(`fill="url(#outside)"`).length).toBeGreaterThan(4);
    expect(textsOf(svg)).toContain("the model labels nothing here");
    expect(textsOf(partsOf({}).svg)).not.toContain("the model labels nothing here");
  });

  it("says what ignored pixels, bands and a narrow range are", () => {
    const ignoring = { dims: [1, 2] as const, data: Int32Array.of(-1, 1) };
    expect(
      textsOf(
        partsOf({
          target: ignoring,
          snapshots: [],
          predictionBefore: ignoring,
          predictionAfter: ignoring,
        }).svg,
      ),
    ).toContain("does not count");
    expect(textsOf(partsOf({ channels: 6 }).svg)).toContain(
      "channels 1 to 3 of 6 as red, green, blue",
    );
    expect(textsOf(partsOf({ channels: 1, levels: 65_536 }).svg)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^shown from 2\d\.\d\d % to 6\d\.\d\d % of the range$/),
        "Change, in levels of 65,535",
      ]),
    );
    expect(textsOf(partsOf({ levels: null }).svg)).toContain(
      "Change, in units of the range 0 to 1",
    );
  });

  it("says so when nothing changed", () => {
    const { svg } = partsOf({ changeAt: () => 0 });
    expect(textsOf(svg)).toContain("nothing changed");
    expect(textsOf(svg)).toContain("The picture did not change.");
    expect(textsOf(svg)).not.toContain("Change, in levels of 255");
  });

  it("shows labels to leave as such", () => {
    const texts = textsOf(
      partsOf({ outcome: { ...outcome, options: { ...outcome.options, targeted: false } } }).svg,
    );
    expect(texts).toEqual(
      expect.arrayContaining([
        "Labels to leave",
        "Pixels that still have the label to leave, in its colour",
        "already another class",
      ]),
    );
    expect(texts).not.toContain("Target");
  });

  it("names the slice of a volume", () => {
    const slice = {
      index: 3,
      imageIndex: 11,
      of: 40,
      because: "most pixels changed their label here",
    } as const;
    expect(textsOf(partsOf({ slice }).svg).join(" ")).toContain(
      "Shown: slice 12 of 40 (most pixels changed their label here).",
    );
  });

  it("escapes markup, drops control characters and breaks lines that are too long", () => {
    const title = `<script>&"\u0000 ${"x".repeat(400)}`;
    const { svg } = partsOf({ title, classNames: ["<b>", "&"] });
    expect(svg).not.toMatch(/<script>|<b>/);
    expect(svg).toContain("&lt;script&gt;&amp;&quot;");
    expect(svg).toContain("…");
    expect(() => overviewPicture(shownResult({ title }))).not.toThrow();
  });
});
