import type { AttackResult, ParsedChoice, StepRecord } from "@onnx-asma/web";
import { percent } from "@onnx-asma/core/verdict-words";
import { drawCurve, type Curve } from "./curve.ts";
import { element } from "./element.ts";

/** What a run is to reach, what it may use, and which step it kept in the end. */
export interface Aims {
  readonly best?: number | undefined;
  readonly run: Pick<ParsedChoice["run"], "iouThreshold" | "pixelAccuracyThreshold" | "targeted">;
  readonly budget: AttackResult["budget"];
}

/** The curves of a run, redrawn as it grows: those of every attack, and what this one logs. */
export class Curves {
  readonly #figures = new Map<string, HTMLElement>();

  /** Takes what was shown of a former run away. */
  clear(): void {
    element("trajectory").hidden = true;
  }

  draw(trajectory: readonly StepRecord[], aims: Aims): void {
    const logged = Object.keys(trajectory.at(-1)?.logs ?? {});
    const curves = curvesOf(trajectory, logged, aims);
    const names = new Set(curves.map(({ name }) => name));
    for (const [name, figure] of this.#figures) {
      if (!names.has(name)) {
        figure.remove();
        this.#figures.delete(name);
      }
    }
    for (const curve of curves) {
      const parent = logged.includes(curve.name) ? "logs" : "curves";
      drawCurve(this.#figureOf(curve.name, parent), { ...curve, best: aims.best });
    }
    element("more").hidden = logged.length === 0;
    element("logged").textContent = logged.join(", ");
    element("trajectory").hidden = false;
  }

  #figureOf(name: string, parent: string): HTMLElement {
    const known = this.#figures.get(name);
    if (known !== undefined) {
      return known;
    }
    const figure = document.createElement("figure");
    this.#figures.set(name, figure);
    element(parent).append(figure);
    return figure;
  }
}

function curvesOf(
  trajectory: readonly StepRecord[],
  logged: readonly string[],
  { run, budget }: Aims,
): Curve[] {
  const share = {
    top: 1,
    format: (v: number) => `${Number((100 * v).toFixed(4))} %`,
    formatLast: (v: number) => percent(v),
  };
  const number = { format: short, formatLast: short };
  // Where labels are to be left, a threshold is what little may be left of them.
  const goalOf = (threshold: number) =>
    threshold === 0
      ? undefined
      : { value: run.targeted ? threshold : 1 - threshold, isLimit: !run.targeted };
  const limitOf = (norm: "l2" | "linf") =>
    budget?.norm === norm ? { value: budget.epsilon, isLimit: true } : undefined;
  const of = (pick: (record: StepRecord) => number) => trajectory.map(pick);
  return [
    { name: "IoU", values: of((r) => r.iou), goal: goalOf(run.iouThreshold), ...share },
    {
      name: "Pixel accuracy",
      values: of((r) => r.pixelAccuracy),
      goal: goalOf(run.pixelAccuracyThreshold),
      ...share,
    },
    { name: "L2", values: of((r) => r.l2), goal: limitOf("l2"), ...number },
    { name: "L∞", values: of((r) => r.linf), goal: limitOf("linf"), ...number },
    ...logged.map((name) => ({ name, values: of((r) => r.logs[name] ?? Number.NaN), ...number })),
  ];
}

/** A number as axes have it: 0.02, 1.5, 2e-7. */
function short(value: number): string {
  const size = Math.abs(value);
  return value !== 0 && (size < 1e-3 || size >= 1e5)
    ? Number(value.toPrecision(3)).toExponential().replace("e+", "e")
    : String(Number(value.toPrecision(3)));
}
