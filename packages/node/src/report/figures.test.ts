import { Resvg } from "@resvg/resvg-js";
import { DOMParser } from "linkedom";
import { describe, expect, it } from "vitest";
import { shownResult } from "../../../../test/support/shown-result.ts";
import { widthOf } from "./figure-svg.ts";
import { overviewSvg } from "./overview-picture.ts";
import { perturbationSvg } from "./perturbation-figure.ts";
import { fontOptions } from "./render-svg.ts";
import { trajectoryPlot } from "./trajectory-plot.ts";

interface Box {
  readonly what: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What is read of an element; tests have no types of the DOM. */
interface Attributed {
  readonly parentElement: Attributed | null;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
  readonly textContent: string | null;
}

interface Layout {
  readonly page: Box;
  readonly texts: readonly Box[];
  readonly pictures: readonly Box[];
  readonly fontSizes: readonly number[];
}

/** Where each text and each picture of a figure lies, measured by what draws it. */
function layoutOf(svg: string): Layout {
  const document = new DOMParser().parseFromString(svg, "image/svg+xml");
  const root = document.documentElement;
  const number = (element: Attributed, name: string) => Number(element.getAttribute(name));
  const pictures = [...document.querySelectorAll("image")].map((image) => {
    const [left, top] = [number(image, "x"), number(image, "y")];
    const [width, height] = [number(image, "width"), number(image, "height")];
    return { what: "picture", left, top, right: left + width, bottom: top + height };
  });
  const texts = [...document.querySelectorAll("text")];
  const fontSizes = texts.map((element) => {
    let at: Attributed | null = element;
    while (at !== null && at.getAttribute("font-size") === null) at = at.parentElement;
    return at === null ? 0 : number(at, "font-size");
  });
  document
    .querySelectorAll("image, rect, path, line, circle, defs")
    .forEach((element: Attributed) => element.remove());
  texts.forEach((element) => element.setAttribute("display", "none"));
  const boxes = texts.map((element) => {
    element.removeAttribute("display");
    const box = new Resvg(document.toString(), { font: fontOptions }).getBBox();
    element.setAttribute("display", "none");
    const { x = 0, y = 0, width = 0, height = 0 } = box ?? {};
    return {
      what: element.textContent ?? "",
      left: x,
      top: y,
      right: x + width,
      bottom: y + height,
    };
  });
  const page = {
    what: "page",
    left: 0,
    top: 0,
    right: number(root, "width"),
    bottom: number(root, "height"),
  };
  return { page, texts: boxes, pictures, fontSizes };
}

function areApart(a: Box, b: Box): boolean {
  return a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
}

/** Nothing overlaps, nothing is cut, nothing is too small to read. */
function expectReadable(svg: string, smallest: number): Layout {
  const layout = layoutOf(svg);
  const { page, texts, pictures } = layout;
  expect(texts.length).toBeGreaterThan(3);
  expect(layout.fontSizes.filter((size) => size < smallest)).toEqual([]);
  const margin = 12;
  expect(
    texts.filter(
      (t) =>
        t.left < margin ||
        t.top < margin ||
        t.right > page.right - margin ||
        t.bottom > page.bottom - margin,
    ),
  ).toEqual([]);
  const meeting = texts.flatMap((a, i) => [
    ...texts
      .slice(i + 1)
      .filter((b) => !areApart(a, b))
      .map((b) => [a.what, b.what]),
    ...pictures.filter((b) => !areApart(a, b)).map((b) => [a.what, b.what]),
  ]);
  expect(meeting).toEqual([]);
  return layout;
}

const many = Array.from({ length: 150 }, (_, c) =>
  c % 7 === 0 ? `a rather long name of class ${c}` : `class ${c}`,
);
const patches = (seed: number, height = 60, width = 90) => ({
  dims: [height, width] as const,
  data: Int32Array.from(
    { length: height * width },
    (_, i) => (Math.floor(i / 40) * 31 + seed) % 150,
  ),
});
const usual = shownResult().outcome;
const cases = {
  "one pixel": { height: 1, width: 1, changeAt: () => 1 },
  small: { height: 32, width: 32 },
  wide: {
    height: 9,
    width: 900,
    channels: 1,
    levels: 65_536,
    changeAt: (y: number, x: number) => y * x,
  },
  tall: { height: 300, width: 20, channels: 5 },
  "150 classes": {
    height: 60,
    width: 90,
    classes: 150,
    classNames: many,
    predictionBefore: patches(0),
    target: patches(11),
    predictionAfter: patches(12),
    snapshots: [{ iteration: 12_345, prediction: patches(5) }],
    outcome: {
      ...usual,
      reached: false,
      stopReason: "gradient not a number" as const,
      steps: 100_000,
      best: { step: 99_999 },
      options: {
        ...usual.options,
        iouDefinition: "mean-target" as const,
        pixelAccuracyThreshold: 0.99,
      },
      classes: many.map((name, c) => ({
        name,
        pixelsTarget: c,
        pixelsAfter: 100_000,
        iouAfter: c / 200,
      })),
      saved: { ...usual.saved, reached: false },
    },
  },
  "nothing changed": { changeAt: () => 0, snapshots: [] },
  untargeted: { outcome: { ...usual, options: { ...usual.options, targeted: false } } },
  "a volume of floats": {
    levels: null,
    savedFile: "adversarial.npy",
    slice: {
      index: 3,
      imageIndex: 11,
      of: 40,
      because: "most pixels changed their label here" as const,
    },
    title: `${"a-model-with-a-very-long-name-".repeat(4)}.onnx on ${"an-image-".repeat(9)}.npy`,
  },
} satisfies Record<string, Parameters<typeof shownResult>[0]>;

describe.each(Object.entries(cases))("figures of %s", (_, parts) => {
  const shown = shownResult(parts);

  it("have an overview that can be read", () => {
    const { page } = expectReadable(overviewSvg(shown), 16);
    expect(page.right).toBe(1600);
    expect(page.bottom).toBeLessThan(2000);
  });

  it("have a picture of the change that can be read", () => {
    const { page } = expectReadable(perturbationSvg(shown), 16);
    expect(page.right).toBe(1600);
    expect(page.bottom).toBeLessThan(1200);
  });
});

it("has a course that can be read", () => {
  const steps = Array.from({ length: 60 }, (_, step) => ({
    step,
    iou: step / 60,
    pixelAccuracy: step / 60,
    wrongPixels: 60 - step,
    loss: 1,
    l1: step,
    l2: step / 10,
    linf: (step % 9) / 255,
    gradientL2: 1,
    logs: { alpha: 1e-4, beta: 2e-4, tau: 3e-5, gamma: step, norm: step },
  }));
  const svg = trajectoryPlot(steps, {
    title: "optic-disc.onnx on retina.jpg",
    lines: ["Reached in 40 steps: the model draws the target with 97.20 % IoU. ".repeat(4)],
    thresholds: { iou: 0.95, pixelAccuracy: 0.99 },
    iouDefinition: "mean-target",
    best: 59,
    budget: { norm: "linf", epsilon: 8 / 255 },
    levels: 256,
  });
  expectReadable(svg, 11);
});

it("knows how wide text is", () => {
  for (const line of [
    "Reached in 40 steps: the model draws the target with 95.49 % IoU (foreground; goal 95 %).",
    "The picture changed by at most 40 of 255 levels (99 % of the changed values by at most 7; L∞ 0.157, L2 5.38)",
    "model.onnx on image.png",
    "Äußere Gefäßwand, naïve Größe",
    "1,234 × 567 ± 8/255 − 1e−7…",
  ]) {
    for (const isBold of [false, true]) {
      const style = { size: 20, isBold };
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="50" font-family="IBM Plex Sans"><text x="10" y="30" font-size="20" font-weight="${isBold ? 600 : 400}">${line}</text></svg>`;
      const real = new Resvg(svg, { font: fontOptions }).getBBox()?.width ?? 0;
      expect(Math.abs(widthOf(line, style) / real - 1), line).toBeLessThan(0.04);
    }
  }
});
