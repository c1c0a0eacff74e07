import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { escapeXml, fontFamily, renderSvg, textWidth } from "./render-svg.ts";
import type { TrajectoryStep } from "./trajectory.ts";

/** Goals that are drawn as dashed lines, 0 to 1. */
export interface TrajectoryThresholds {
  readonly iou?: number;
  readonly pixelAccuracy?: number;
}

interface Series {
  readonly key: "iou" | "pixelAccuracy" | "l2" | "linf" | "alpha";
  readonly name: string;
  readonly colour: string;
  readonly threshold?: number;
}

interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Fixed range of the vertical axis; otherwise from 0 to a little above the largest value. */
  readonly range?: readonly [number, number];
}

const size = { width: 1120, height: 720, margin: 28, gap: 32, top: 50 };
const ink = { text: "#1d2127", quiet: "#6a7280", grid: "#e6e8ec" };
const colours = { blue: "#0072b2", orange: "#d55e00", green: "#00805e", purple: "#9a4f82" };

/**
 * Draws the course of an attack as SVG (1120 x 720): IoU and pixel accuracy, L2, L-infinity and the
 * step multiplier over the iterations.
 */
export function trajectoryPlot(
  steps: readonly TrajectoryStep[],
  thresholds: TrajectoryThresholds = {},
): string {
  const panels: Panel[] = [
    {
      title: "Agreement with the target",
      range: [0, 1],
      series: [
        {
          key: "pixelAccuracy",
          name: "pixel accuracy",
          colour: colours.orange,
          threshold: thresholds.pixelAccuracy,
        },
        { key: "iou", name: "IoU", colour: colours.blue, threshold: thresholds.iou },
      ],
    },
    { title: "L2 of the perturbation", series: [{ key: "l2", name: "L2", colour: colours.green }] },
    {
      title: "L∞ of the perturbation",
      series: [{ key: "linf", name: "L∞", colour: colours.purple }],
    },
    { title: "Step multiplier α", series: [{ key: "alpha", name: "α", colour: "#57606e" }] },
  ];
  const width = (size.width - 2 * size.margin - size.gap) / 2;
  const height = (size.height - 2 * size.margin - size.gap) / 2;
  const parts = panels.map((panel, k) => {
    const x = size.margin + (k % 2) * (width + size.gap);
    const y = size.margin + Math.floor(k / 2) * (height + size.gap);
    return `<g transform="translate(${x} ${y})">${panelSvg(panel, steps, width, height)}</g>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" ` +
    `height="${size.height}" font-family="${fontFamily}, system-ui, sans-serif">` +
    `<rect width="100%" height="100%" fill="white"/>${parts.join("")}</svg>`
  );
}

/** PNG bytes of {@link trajectoryPlot}, at `scale` pixels per unit (default 1.4: 1568 x 1008). */
export function trajectoryPlotPng(
  steps: readonly TrajectoryStep[],
  thresholds: TrajectoryThresholds = {},
  options: { readonly scale?: number } = {},
): Uint8Array {
  return renderSvg(trajectoryPlot(steps, thresholds), { scale: options.scale ?? 1.4 });
}

function panelSvg(
  panel: Panel,
  steps: readonly TrajectoryStep[],
  width: number,
  height: number,
): string {
  const finite = steps.filter((s) => Number.isFinite(s.step));
  const points = panel.series.map((series) => finite.filter((s) => Number.isFinite(s[series.key])));
  const last = finite.reduce((most, s) => Math.max(most, s.step), 1);
  const first = Math.min(
    last - 1,
    finite.reduce((least, s) => Math.min(least, s.step), last),
  );
  const peak = Math.max(
    0,
    ...panel.series.map((s, k) => points[k]?.reduce((m, p) => Math.max(m, p[s.key]), 0) ?? 0),
  );
  const y = panel.range ?? [0, peak > 0 ? peak * 1.08 : 1];
  const { document } = parseHTML("<html><body></body></html>");
  const plot = Plot.plot({
    document,
    width,
    height: height - size.top,
    marginTop: 8,
    marginLeft: 56,
    marginRight: 26,
    marginBottom: 38,
    style: { fontSize: "12.5px", color: ink.quiet, background: "none" },
    x: { domain: [first, last], label: null },
    y: { domain: y, label: null },
    marks: [
      Plot.gridY({ ticks: 5, stroke: ink.grid, strokeOpacity: 1 }),
      Plot.axisY({
        ticks: 5,
        tickSize: 0,
        tickFormat: panel.range ? (v: number) => `${Math.round(v * 100)} %` : tick,
      }),
      Plot.axisX({
        ticks: xTicks(first, last),
        tickSize: 4,
        tickFormat: (v: number) => v.toLocaleString("en"),
      }),
      Plot.ruleY([y[0]], { stroke: "#aab0ba" }),
      ...panel.series.flatMap((series, k) => marks(series, points[k] ?? [])),
    ],
  });
  // The style sheet repeats what the attributes say, in selectors that few rasterisers know.
  plot.querySelector("style")?.remove();
  plot.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  plot.setAttribute("y", String(size.top));
  plot.setAttribute("fill", ink.quiet);
  for (const attribute of ["font-family", "class"]) plot.removeAttribute(attribute);
  return (
    `<text x="0" y="16" font-size="16" font-weight="600" fill="${ink.text}">${escapeXml(panel.title)}</text>` +
    (panel.series.length > 1 ? legend(panel.series) : "") +
    plot.outerHTML +
    `<text x="${(width + 30) / 2}" y="${height - 2}" font-size="12.5" fill="${ink.quiet}" text-anchor="middle">iteration</text>`
  );
}

function marks(series: Series, points: readonly TrajectoryStep[]): Plot.Markish[] {
  const { key, colour, threshold } = series;
  const line = Plot.line(points, {
    x: "step",
    y: key,
    stroke: colour,
    strokeWidth: 2,
    strokeLinejoin: "round",
  });
  const result: Plot.Markish[] = [];
  if (threshold !== undefined && Number.isFinite(threshold)) {
    result.push(
      Plot.ruleY([threshold], { stroke: colour, strokeDasharray: "5 4", strokeWidth: 1.2 }),
    );
  }
  result.push(line);
  if (points.length <= 40) result.push(Plot.dot(points, { x: "step", y: key, fill: colour, r: 3 }));
  return result;
}

function legend(series: readonly Series[]): string {
  let x = 0;
  const parts = series.map(({ name, colour, threshold }) => {
    const label =
      threshold === undefined || !Number.isFinite(threshold)
        ? name
        : `${name} (goal ${+(threshold * 100).toFixed(2)} %)`;
    const part =
      `<line x1="${x}" x2="${x + 18}" y1="36" y2="36" stroke="${colour}" stroke-width="3"/>` +
      `<text x="${x + 25}" y="40.5" font-size="13" fill="${ink.text}">${escapeXml(label)}</text>`;
    x += 25 + textWidth(label, 13) + 26;
    return part;
  });
  return parts.join("");
}

/** At most 7 whole numbers. */
function xTicks(first: number, last: number): number[] {
  const step =
    [1, 2, 5]
      .flatMap((m) => [0, 1, 2, 3, 4, 5, 6].map((e) => m * 10 ** e))
      .sort((a, b) => a - b)
      .find((s) => (last - first) / s <= 6) ?? 1e7;
  const start = Math.ceil(first / step) * step;
  return Array.from({ length: Math.floor((last - start) / step) + 1 }, (_, k) => start + k * step);
}

/** Short numbers for axes: 0.02, 1.5, 2e-7. */
function tick(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5
    ? value
        .toExponential(2)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e")
    : String(+value.toPrecision(4));
}
