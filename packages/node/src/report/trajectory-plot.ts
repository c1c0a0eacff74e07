import * as Plot from "@observablehq/plot";
import type { StepRecord } from "@onnx-asma/core";
import { parseHTML } from "linkedom";
import { ink as figureInk, page, paragraph } from "./figure-svg.ts";
import { axisOf, type Axis } from "./plot-axis.ts";
import { escapeXml, renderSvg, textWidth } from "./render-svg.ts";
import { panelsOf, type Panel, type PanelOptions, type Series } from "./trajectory-panels.ts";

/** What a plot says beside its curves. */
export interface TrajectoryPlotOptions extends PanelOptions {
  /** In bold above all: model and image. */
  readonly title?: string;
  /** Below it, such as the verdict. */
  readonly lines?: readonly string[];
  /** The step of the best iterate, marked in every panel. */
  readonly best?: number;
}

/** A value of a series that can be drawn. */
interface Point {
  readonly step: number;
  readonly value: number;
}

const size = { width: 1120, rowHeight: 316, margin: 28, gap: 32, top: 50 };
const ink = { text: "#1d2127", quiet: "#6a7280", grid: "#e6e8ec" };

/**
 * Draws the course of an attack as SVG, 1120 pixels wide, two panels in a row: IoU and pixel accuracy, L2
 * and L-infinity over the iterations, and the attack's own numbers by the names of its logs, three in a
 * panel. L1 fills up the last row.
 */
export function trajectoryPlot(
  steps: readonly StepRecord[],
  options: TrajectoryPlotOptions = {},
): string {
  const panels = panelsOf(steps, options);
  const rows = Math.ceil(panels.length / 2);
  const { svg: head, height: headHeight } = header(options);
  const top = headHeight + size.margin;
  const height = top + size.margin + rows * size.rowHeight + (rows - 1) * size.gap;
  const width = (size.width - 2 * size.margin - size.gap) / 2;
  const parts = panels.map((panel, k) => {
    const x = size.margin + (k % 2) * (width + size.gap);
    const y = top + Math.floor(k / 2) * (size.rowHeight + size.gap);
    return `<g transform="translate(${x} ${y})">${panelSvg(panel, steps, { width, best: options.best })}</g>`;
  });
  return page({ width: size.width, height }, [head, ...parts]);
}

/** PNG bytes of {@link trajectoryPlot}, at `scale` pixels per unit (default 1.4: 1568 pixels wide). */
export function trajectoryPlotPng(
  steps: readonly StepRecord[],
  { scale = 1.4, ...options }: TrajectoryPlotOptions & { readonly scale?: number } = {},
): Uint8Array {
  return renderSvg(trajectoryPlot(steps, options), { scale });
}

function header({ title, lines = [], best }: TrajectoryPlotOptions) {
  const parts: string[] = [];
  let height = 0;
  const add = (content: string, style: Parameters<typeof paragraph>[2], after: number) => {
    const at = { x: size.margin, y: size.margin + height, width: size.width - 2 * size.margin };
    const block = paragraph(at, content, style);
    parts.push(block.svg);
    height += block.height + after;
  };
  if (title !== undefined) {
    add(title, { size: 21, isBold: true }, 6);
  }
  const marked = best === undefined ? [] : [`Dotted: the best iterate, of step ${best}.`];
  [...lines, ...marked].forEach((line) => add(line, { size: 14.5, fill: figureInk.quiet }, 2));
  return { svg: parts.join(""), height: height === 0 ? 0 : height + 10 };
}

function panelSvg(
  panel: Panel,
  steps: readonly StepRecord[],
  { width, best }: { readonly width: number; readonly best: number | undefined },
): string {
  const height = size.rowHeight;
  const finite = steps.filter((s) => Number.isFinite(s.step));
  const points = panel.series.map((series) =>
    finite
      .map((step) => ({ step: step.step, value: series.value(step) ?? Number.NaN }))
      .filter(({ value }) => Number.isFinite(value)),
  );
  const last = finite.reduce((most, s) => Math.max(most, s.step), 1);
  const first = Math.min(
    last - 1,
    finite.reduce((least, s) => Math.min(least, s.step), last),
  );
  const axis: Axis =
    panel.range === undefined
      ? axisOf([
          ...points.flat().map(({ value }) => value),
          ...panel.series.flatMap(({ threshold }) => threshold ?? []),
        ])
      : {
          type: "linear",
          domain: panel.range,
          ticks: 5,
          format: (v: number) => `${Math.round(v * 100)} %`,
        };
  const isShown = ({ value }: Point) => axis.type === "linear" || value > 0;
  const { document } = parseHTML("<html><body></body></html>");
  const plot = Plot.plot({
    document,
    width,
    height: height - size.top,
    marginTop: 8,
    marginLeft: 56,
    marginRight: 26,
    marginBottom: 38,
    style: { color: ink.quiet, background: "none" },
    x: { domain: [first, last], label: null },
    y: { type: axis.type, domain: axis.domain, label: null },
    marks: [
      Plot.gridY({ ticks: axis.ticks, stroke: ink.grid, strokeOpacity: 1 }),
      Plot.axisY({ ticks: axis.ticks, tickSize: 0, tickFormat: axis.format }),
      Plot.axisX({
        ticks: xTicks(first, last),
        tickSize: 4,
        tickFormat: (v: number) => v.toLocaleString("en"),
      }),
      Plot.ruleY([axis.domain[0]], { stroke: "#aab0ba" }),
      ...(best === undefined
        ? []
        : [Plot.ruleX([best], { stroke: ink.text, strokeWidth: 1.2, strokeDasharray: "1.5 3.5" })]),
      ...panel.series.flatMap((series, k) => marks(series, (points[k] ?? []).filter(isShown))),
    ],
  });
  // The style sheet repeats what the attributes say, in selectors that few rasterisers know.
  plot.querySelector("style")?.remove();
  plot.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  plot.setAttribute("y", String(size.top));
  plot.setAttribute("fill", ink.quiet);
  plot.setAttribute("font-size", "12.5");
  for (const attribute of ["font-family", "class"]) plot.removeAttribute(attribute);
  return (
    `<text x="0" y="16" font-size="16" font-weight="600" fill="${ink.text}">${escapeXml(panel.title)}</text>` +
    (panel.series.length > 1 || hasGoal(panel.series[0]) ? legend(panel.series) : "") +
    plot.outerHTML +
    `<text x="${(width + 30) / 2}" y="${height - 2}" font-size="12.5" fill="${ink.quiet}" text-anchor="middle">iteration</text>`
  );
}

function marks({ colour, threshold }: Series, points: readonly Point[]): Plot.Markish[] {
  const line = Plot.line(points, {
    x: "step",
    y: "value",
    stroke: colour,
    strokeWidth: 2,
    strokeLinejoin: "round",
  });
  const result: Plot.Markish[] = [];
  if (hasGoal({ threshold })) {
    result.push(
      Plot.ruleY([threshold as number], {
        stroke: colour,
        strokeDasharray: "5 4",
        strokeWidth: 1.2,
      }),
    );
  }
  result.push(line);
  if (points.length <= 40)
    result.push(Plot.dot(points, { x: "step", y: "value", fill: colour, r: 3 }));
  return result;
}

function hasGoal(series: Pick<Series, "threshold"> | undefined): boolean {
  return Number.isFinite(series?.threshold ?? Number.NaN);
}

function legend(list: readonly Series[]): string {
  let x = 0;
  const parts = list.map((series) => {
    const { colour, goal, name } = series;
    const label = hasGoal(series) ? `${name} (dashed: ${goal})` : name;
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
