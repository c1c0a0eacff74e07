import { nice, ticks } from "d3-array";

const svg = "http://www.w3.org/2000/svg";
const [width, height] = [320, 150];
/** Room around the curve for what is written at its axes. */
const margin = { left: 46, right: 10, top: 8, bottom: 32 };

/** What a curve shows. */
export interface Curve {
  readonly name: string;
  /** A value for each step; what is no number is left out. */
  readonly values: readonly number[];
  /** What is to be reached, or (`isLimit`) not to be left; none where nothing was set. */
  readonly goal?: { readonly value: number; readonly isLimit: boolean } | undefined;
  /** Largest value, where it is known. */
  readonly top?: number | undefined;
  /** Short, for axes. */
  readonly format: (value: number) => string;
  /** The step that was kept, once that is known. */
  readonly best?: number | undefined;
  /** Exact, for the last value. */
  readonly formatLast: (value: number) => string;
}

/** A small curve over the steps of a run: axes, the goal if there is one, and the last value. */
export function drawCurve(figure: HTMLElement, curve: Curve): void {
  const { values, goal } = curve;
  const shown = values.flatMap((value, step) => (Number.isFinite(value) ? [{ step, value }] : []));
  const last = shown.at(-1);
  const [low, high] = domainOf(curve);
  const steps = Math.max(1, values.length - 1);
  const x = (step: number) => margin.left + (step / steps) * (width - margin.left - margin.right);
  const y = (value: number) =>
    height - margin.bottom - ((value - low) / (high - low)) * (height - margin.top - margin.bottom);
  const parts: SVGElement[] = [
    ...ticks(low, high, 3).flatMap((value) => [
      line("grid", x(0), y(value), x(steps), y(value)),
      text(curve.format(value), x(0) - 6, y(value) + 4, "end"),
    ]),
    ...ticks(0, steps, 4)
      .filter(Number.isInteger)
      .map((step) => text(String(step), x(step), height - margin.bottom + 15, "middle")),
    text("step", (x(0) + x(steps)) / 2, height - 3, "middle"),
  ];
  if (goal !== undefined) {
    const at = y(goal.value);
    parts.push(line("goal", x(0), at, x(steps), at));
  }
  if (last !== undefined) {
    const points = shown.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    parts.push(
      make("polyline", { points: points.join(" ") }),
      make("circle", { cx: x(last.step), cy: y(last.value), r: 3.5 }),
    );
  }
  const kept = shown.find(({ step }) => step === curve.best);
  if (kept !== undefined) {
    parts.push(make("circle", { class: "best", cx: x(kept.step), cy: y(kept.value), r: 4 }));
  }
  const picture = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  picture.setAttribute("aria-label", inWords(curve, shown));
  picture.append(...parts);
  const caption = document.createElement("figcaption");
  caption.append(
    strong(curve.name),
    last === undefined ? "" : ` ${curve.formatLast(last.value)}`,
    kept === undefined || kept === last
      ? ""
      : `, kept ${curve.formatLast(kept.value)} of step ${kept.step}`,
    goal === undefined ? "" : `, ${goal.isLimit ? "at most" : "goal"} ${curve.format(goal.value)}`,
  );
  figure.replaceChildren(caption, picture);
}

function domainOf({ values, goal, top }: Curve): readonly [number, number] {
  const known = [...values, goal?.value ?? 0, 0].filter(Number.isFinite);
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = top ?? known.reduce((a, b) => Math.max(a, b));
  return low === high
    ? [low, low + 1]
    : top === undefined
      ? (nice(low, high, 3) as [number, number])
      : [low, top];
}

function inWords(
  { name, format, formatLast, goal }: Curve,
  shown: readonly { readonly step: number; readonly value: number }[],
): string {
  const [first, last] = [shown[0], shown.at(-1)];
  if (first === undefined || last === undefined) {
    return `${name}: no values`;
  }
  const aim =
    goal === undefined ? "" : `; ${goal.isLimit ? "at most" : "goal"} ${format(goal.value)}`;
  return `${name}: ${formatLast(first.value)} at step ${first.step}, ${formatLast(last.value)} at step ${last.step}${aim}`;
}

function make(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS(svg, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, String(value));
  }
  return made;
}

function line(className: string, x1: number, y1: number, x2: number, y2: number): SVGElement {
  return make("line", { class: className, x1, y1, x2, y2 });
}

function text(content: string, x: number, y: number, anchor: string): SVGElement {
  const made = make("text", { x, y, "text-anchor": anchor });
  made.textContent = content;
  return made;
}

function strong(content: string): HTMLElement {
  return Object.assign(document.createElement("strong"), { textContent: content });
}
