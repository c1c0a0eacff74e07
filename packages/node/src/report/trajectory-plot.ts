import * as Plot from "@observablehq/plot";
import type { AttackResult, IouDefinition, StepRecord } from "@onnx-asma/core";
import { iouName } from "@onnx-asma/core/verdict-words";
import { parseHTML } from "linkedom";
import { changeUnit } from "./change-map.ts";
import { ink as figureInk, page, paragraph } from "./figure-svg.ts";
import { axisOf, type Axis } from "./plot-axis.ts";
import { escapeXml, renderSvg, textWidth } from "./render-svg.ts";
import { logNames } from "./trajectory-csv.ts";

/** Goals that are drawn as dashed lines, 0 to 1; none where none was set. */
export interface TrajectoryThresholds {
  readonly iou?: number | undefined;
  readonly pixelAccuracy?: number | undefined;
}

/** What a plot says beside its curves. */
export interface TrajectoryPlotOptions {
  /** In bold above all: model and image. */
  readonly title?: string;
  /** Below it, such as the verdict. */
  readonly lines?: readonly string[];
  readonly thresholds?: TrajectoryThresholds;
  /** Whether the labels are to be reached, or (false) to be left. @default true */
  readonly targeted?: boolean;
  readonly iouDefinition?: IouDefinition;
  /** The step of the best iterate, marked in every panel. */
  readonly best?: number;
  /** What the change may be at most, a dashed line in the panel of its norm. */
  readonly budget?: AttackResult["budget"];
  /** Levels of the image's file, which L∞ is told in; `undefined` for floating point. */
  readonly levels?: number | undefined;
}

interface Series {
  readonly name: string;
  readonly colour: string;
  readonly value: (step: StepRecord) => number | undefined;
  readonly threshold?: number | undefined;
  /** The threshold in words. */
  readonly goal?: string;
}

interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Fixed range of the vertical axis; otherwise as its values need it. */
  readonly range?: readonly [number, number];
}

/** A value of a series that can be drawn. */
interface Point {
  readonly step: number;
  readonly value: number;
}

const size = { width: 1120, rowHeight: 316, margin: 28, gap: 32, top: 50 };
const ink = { text: "#1d2127", quiet: "#6a7280", grid: "#e6e8ec" };
const colours = { blue: "#0072b2", orange: "#d55e00", green: "#00805e", purple: "#9a4f82" };
const logColours = ["#57606e", colours.orange, colours.blue];

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

function panelsOf(
  steps: readonly StepRecord[],
  { thresholds = {}, targeted = true, iouDefinition, budget, levels }: TrajectoryPlotOptions,
): Panel[] {
  const norm = (title: string, name: "l1" | "l2" | "linf", colour: string): Panel => {
    const isLevels = name === "linf" && levels !== undefined;
    const { range, name: unit } = changeUnit(isLevels ? levels : undefined);
    const limit = budget?.norm === name ? budget.epsilon * range : undefined;
    return {
      title: isLevels ? `${title} of the change, in ${unit}` : `${title} of the change`,
      series: [
        {
          name: title,
          colour,
          value: (step) => step[name] * range,
          threshold: limit,
          ...(limit !== undefined && { goal: `budget ${+limit.toPrecision(3)}` }),
        },
      ],
    };
  };
  const goal = (share: number | undefined) =>
    `goal ${targeted ? "" : "at most "}${+((share ?? 0) * 100).toFixed(2)} %`;
  const panels: Panel[] = [
    {
      title: targeted ? "Agreement with the target" : "Agreement with the labels to leave",
      range: [0, 1],
      series: [
        {
          name: "pixel accuracy",
          colour: colours.orange,
          value: (step) => step.pixelAccuracy,
          threshold: thresholds.pixelAccuracy,
          goal: goal(thresholds.pixelAccuracy),
        },
        {
          name: iouDefinition === undefined ? "IoU" : iouName(iouDefinition),
          colour: colours.blue,
          value: (step) => step.iou,
          threshold: thresholds.iou,
          goal: goal(thresholds.iou),
        },
      ],
    },
    norm("L2", "l2", colours.green),
    norm("L∞", "linf", colours.purple),
    ...logPanels(logNames(steps)),
  ];
  return panels.length % 2 === 0 ? panels : [...panels, norm("L1", "l1", "#8a6d00")];
}

/** Up to three logs in each panel, as evenly as possible. */
function logPanels(names: readonly string[]): Panel[] {
  const count = Math.ceil(names.length / logColours.length);
  const each = Math.ceil(names.length / Math.max(1, count));
  return Array.from({ length: count }, (_, k) => {
    const shown = names.slice(k * each, (k + 1) * each);
    return {
      title: shown.join(", "),
      series: shown.map((name, i) => ({
        name,
        colour: logColours[i] as string,
        value: (step) => step.logs[name],
      })),
    };
  });
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
