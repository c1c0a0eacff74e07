import {
  disc,
  hideClass,
  moveForeground,
  rectangle,
  type ImageTensor,
  type LabelMap,
  type RunOptions,
} from "@onnx-asma/web";
import { element, numberOf } from "./element.ts";

/** What a target is made from. */
export interface TargetSource {
  readonly image: ImageTensor;
  /** What the model draws on the untouched image. */
  readonly prediction: LabelMap;
  /** What it draws on the other image, once one is chosen. */
  readonly other: LabelMap | undefined;
}

/** The target: its fields, and the map that is painted by hand. */
export class TargetEditor {
  #painted: LabelMap | undefined;
  #cursor: { x: number; y: number } = { x: 0.5, y: 0.5 };
  readonly #onChange: () => void;

  /** @param onChange told whenever the target has become another one */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    element("kind").addEventListener("change", () => {
      this.#showFields();
      onChange();
    });
    for (const id of ["x", "y", "size", "right", "down", "class"]) {
      element(id).addEventListener("input", onChange);
    }
    element("clear").addEventListener("click", () => {
      this.#painted?.data.fill(0);
      onChange();
    });
    this.#listenToCanvas(element<HTMLCanvasElement>("draft"));
    this.#showFields();
  }

  get kind(): string {
    return element<HTMLSelectElement>("kind").value;
  }

  /** How the target is measured: what is only taken away, by the share that is gone. */
  get runOptions(): Pick<RunOptions, "iouDefinition"> {
    return this.kind === "hide" ? { iouDefinition: "erased" } : {};
  }

  /** Where the brush is, as parts of width and height; only while painting. */
  get cursor(): { readonly x: number; readonly y: number } | undefined {
    return this.kind === "paint" ? this.#cursor : undefined;
  }

  /** Offers the classes of a model. */
  setClasses(names: readonly string[]): void {
    const options = names.slice(1).map((name, i) => new Option(name, String(i + 1)));
    element("class").replaceChildren(...options);
    element("class-field").hidden = options.length < 2;
  }

  /** Forgets what was painted: another image has come. */
  reset(image: ImageTensor): void {
    const [, , height, width] = image.dims;
    this.#painted = { data: new Int32Array(height * width), dims: [height, width] };
  }

  /** The target as the fields say, `undefined` while something for it is missing. */
  make({ image, prediction, other }: TargetSource): LabelMap | undefined {
    const [, , height, width] = image.dims;
    const label = this.#label;
    const [x, y] = [(numberOf("x") / 100) * width, (numberOf("y") / 100) * height];
    const size = (numberOf("size") / 100) * Math.min(width, height);
    switch (this.kind) {
      case "disc":
        return disc([height, width], [y, x], size / 2, label);
      case "rectangle":
        return rectangle([height, width], [y - size / 2, x - size / 2, size, size], label);
      case "hide":
        return hideClass(prediction, label);
      case "move": {
        const [h, w] = prediction.dims;
        const shift = [(numberOf("down") / 100) * h, (numberOf("right") / 100) * w] as const;
        return moveForeground(prediction, { shift: [Math.round(shift[0]), Math.round(shift[1])] });
      }
      case "other":
        return other;
      default:
        return this.#painted;
    }
  }

  get #label(): number {
    return Number(element<HTMLSelectElement>("class").value) || 1;
  }

  #showFields(): void {
    const shown: Record<string, string> = { disc: "shape", rectangle: "shape" };
    const { kind } = this;
    for (const name of ["shape", "paint", "move", "other"]) {
      element(`fields-${name}`).hidden = (shown[kind] ?? kind) !== name;
    }
    const draft = element("draft");
    draft.classList.toggle("brush", kind === "paint");
    draft.setAttribute(
      "aria-label",
      kind === "paint"
        ? "Target. Move the brush with the arrow keys, paint with space."
        : "Target. Click, or use the fields below.",
    );
  }

  #listenToCanvas(canvas: HTMLCanvasElement): void {
    const at = (event: PointerEvent) => {
      const box = canvas.getBoundingClientRect();
      return {
        x: (event.clientX - box.left) / box.width,
        y: (event.clientY - box.top) / box.height,
      };
    };
    const use = (event: PointerEvent) => {
      this.#cursor = at(event);
      if (this.kind === "paint") {
        this.#stamp();
      } else if (this.kind === "disc" || this.kind === "rectangle") {
        element<HTMLInputElement>("x").valueAsNumber = this.#cursor.x * 100;
        element<HTMLInputElement>("y").valueAsNumber = this.#cursor.y * 100;
        this.#onChange();
      }
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      use(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) {
        use(event);
      }
    });
    canvas.addEventListener("keydown", (event) => {
      const moves: Record<string, readonly [number, number]> = {
        ArrowLeft: [-0.02, 0],
        ArrowRight: [0.02, 0],
        ArrowUp: [0, -0.02],
        ArrowDown: [0, 0.02],
      };
      const move = moves[event.key];
      if (this.kind !== "paint" || (move === undefined && event.key !== " ")) {
        return;
      }
      event.preventDefault();
      const [dx, dy] = move ?? [0, 0];
      const clamp = (v: number) => Math.min(1, Math.max(0, v));
      this.#cursor = { x: clamp(this.#cursor.x + dx), y: clamp(this.#cursor.y + dy) };
      if (event.key === " ") {
        this.#stamp();
      } else {
        this.#onChange();
      }
    });
  }

  /** Paints a disc where the brush is. */
  #stamp(): void {
    if (this.#painted === undefined) {
      return;
    }
    const { data, dims } = this.#painted;
    const [height, width] = dims;
    const radius = ((numberOf("brush") / 100) * width) / 2;
    const label = element<HTMLSelectElement>("mode").value === "draw" ? this.#label : 0;
    const [cx, cy] = [this.#cursor.x * width, this.#cursor.y * height];
    const from = Math.max(0, Math.floor(cy - radius));
    for (let y = from; y < Math.min(height, cy + radius); y++) {
      const half = Math.sqrt(Math.max(0, radius ** 2 - (y + 0.5 - cy) ** 2));
      const [left, right] = [Math.max(0, Math.round(cx - half)), Math.round(cx + half)];
      data.fill(label, y * width + left, y * width + Math.min(width, right));
    }
    this.#onChange();
  }
}
