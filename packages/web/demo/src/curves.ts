import type { StepRecord } from "@onnx-asma/web";

const svg = "http://www.w3.org/2000/svg";
const [width, height] = [240, 90];

interface Curve {
  readonly name: string;
  readonly of: (record: StepRecord) => number;
  /** Largest value, where it is known. */
  readonly top?: number;
}

const curves: readonly Curve[] = [
  { name: "IoU", of: (r) => r.iou, top: 1 },
  { name: "Pixel accuracy", of: (r) => r.pixelAccuracy, top: 1 },
  { name: "L2", of: (r) => r.l2 },
  { name: "L∞", of: (r) => r.linf },
];

/** Small curves of a trajectory, redrawn as it grows. */
export class Curves {
  readonly #lines: readonly { curve: Curve; line: SVGElement; caption: HTMLElement }[];

  constructor(parent: HTMLElement) {
    this.#lines = curves.map((curve) => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const plot = document.createElementNS(svg, "svg");
      plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
      plot.setAttribute("preserveAspectRatio", "none");
      plot.setAttribute("aria-hidden", "true");
      const line = document.createElementNS(svg, "polyline");
      plot.append(line);
      caption.textContent = curve.name;
      figure.append(plot, caption);
      parent.append(figure);
      return { curve, line, caption };
    });
  }

  draw(trajectory: readonly StepRecord[]): void {
    const last = trajectory.at(-1);
    for (const { curve, line, caption } of this.#lines) {
      const values = trajectory.map(curve.of);
      const top = curve.top ?? Math.max(1e-9, ...values);
      const x = (i: number) => (i / Math.max(1, values.length - 1)) * width;
      const y = (v: number) => height - 2 - (Math.min(v, top) / top) * (height - 4);
      line.setAttribute("points", values.map((v, i) => `${x(i)},${y(v)}`).join(" "));
      caption.textContent =
        last === undefined ? curve.name : `${curve.name} ${curve.of(last).toPrecision(3)}`;
    }
  }
}
