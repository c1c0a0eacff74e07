import type { StepRecord } from "@onnx-asma/web";

const svg = "http://www.w3.org/2000/svg";
const [width, height] = [240, 90];

interface Curve {
  readonly name: string;
  readonly of: (record: StepRecord) => number;
  /** Largest value, where it is known. */
  readonly top?: number;
}

interface Plot {
  readonly figure: HTMLElement;
  readonly line: SVGElement;
  readonly caption: HTMLElement;
}

const curves: readonly Curve[] = [
  { name: "IoU", of: (r) => r.iou, top: 1 },
  { name: "Pixel accuracy", of: (r) => r.pixelAccuracy, top: 1 },
  { name: "L2", of: (r) => r.l2 },
  { name: "L∞", of: (r) => r.linf },
];

/** Small curves of a trajectory, redrawn as it grows: those of every attack, and what this one logs. */
export class Curves {
  readonly #parent: HTMLElement;
  readonly #plots = new Map<string, Plot>();

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    this.draw([]);
  }

  /** Of an empty trajectory the axes are left. */
  draw(trajectory: readonly StepRecord[]): void {
    const last = trajectory.at(-1);
    const logs = Object.keys(last?.logs ?? {}).map((name): Curve => ({
      name,
      of: (r) => r.logs[name] ?? Number.NaN,
    }));
    const drawn = [...curves, ...logs];
    const names = new Set(drawn.map(({ name }) => name));
    for (const [name, { figure }] of this.#plots) {
      if (!names.has(name)) {
        figure.remove();
        this.#plots.delete(name);
      }
    }
    for (const curve of drawn) {
      const { line, caption } = this.#plotOf(curve.name);
      const values = trajectory.map(curve.of);
      const known = values.filter(Number.isFinite);
      const top = curve.top ?? known.reduce((a, b) => Math.max(a, b), Number.MIN_VALUE);
      const x = (i: number) => (i / Math.max(1, values.length - 1)) * width;
      const y = (v: number) => height - 2 - (Math.max(0, Math.min(v, top)) / top) * (height - 4);
      const points = values.flatMap((v, i) => (Number.isFinite(v) ? [`${x(i)},${y(v)}`] : []));
      line.setAttribute("points", points.join(" "));
      caption.textContent =
        last === undefined ? curve.name : `${curve.name} ${curve.of(last).toPrecision(3)}`;
    }
  }

  #plotOf(name: string): Plot {
    const known = this.#plots.get(name);
    if (known !== undefined) {
      return known;
    }
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const picture = document.createElementNS(svg, "svg");
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(svg, "polyline");
    picture.append(line);
    figure.append(picture, caption);
    this.#parent.append(figure);
    const plot = { figure, line, caption };
    this.#plots.set(name, plot);
    return plot;
  }
}
