import {
  disc,
  hideClass,
  moveForeground,
  rectangle,
  type ImageTensor,
  type LabelMap,
  type RunOptions,
} from "@onnx-asma/web";
import { Brush } from "./brush.ts";
import { element, numberOf, valueOf } from "./element.ts";
import type { Scene } from "./scene.ts";
import type { TargetFiles } from "./target-files.ts";

/** The kinds of target whose place is pointed at in the picture. */
const shapes: readonly string[] = ["disc", "rectangle"];

/** What is said of each kind of target. */
const hints: Readonly<Record<string, string>> = {
  disc: "Click into the picture, or focus it and use the arrow keys.",
  rectangle: "Click into the picture, or focus it and use the arrow keys.",
  paint: "Paint on the picture; or focus it, move the brush with the arrow keys and press space.",
};

/** The target: its fields, and the map that is painted by hand. */
export class TargetEditor {
  readonly brush = new Brush();
  readonly #onChange: () => void;
  readonly #files: TargetFiles;

  /** @param onChange told whenever the target has become another one */
  constructor(files: TargetFiles, onChange: () => void) {
    this.#files = files;
    this.#onChange = onChange;
    element("kind").addEventListener("change", () => {
      this.#showFields();
      onChange();
    });
    for (const id of ["x", "y", "size", "right", "down", "class", "brush"]) {
      element(id).addEventListener("input", onChange);
    }
    element("clear").addEventListener("click", () => {
      this.brush.clear();
      onChange();
    });
    this.#showFields();
  }

  get kind(): string {
    return valueOf("kind");
  }

  /** The field that a target which cannot be made is to be blamed on. */
  get field(): string {
    return ({ other: "other", mask: "mask-file" } as Record<string, string>)[this.kind] ?? "kind";
  }

  /** The file that the target is made of, where it is. */
  get file(): File | undefined {
    return this.#files.fileOf(this.kind);
  }

  /** How the target is measured: what is only taken away, by the share that is gone. */
  get runOptions(): Pick<RunOptions, "iouDefinition"> {
    return this.kind === "hide" ? { iouDefinition: "erased" } : {};
  }

  /** Where the brush is, as shares of the picture; only while painting. */
  get cursor(): { readonly x: number; readonly y: number } | undefined {
    return this.kind === "paint" ? this.brush.at : undefined;
  }

  /** Whether a click into the picture changes the target. */
  get isPointed(): boolean {
    return this.kind === "paint" || shapes.includes(this.kind);
  }

  /** Offers the classes of a model; the one that was chosen stays so where it is among them. */
  setClasses(names: readonly string[]): void {
    const select = element<HTMLSelectElement>("class");
    const before = select.selectedOptions[0]?.text;
    const options = names
      .slice(1)
      .map((name, i) => new Option(name, String(i + 1), false, name === before));
    select.replaceChildren(...options);
    element("mask-hint").textContent =
      names.length === 2
        ? `Labels: 0 is ${names[0]}, 1 or white is ${names[1]}. PNG, TIFF, BMP, GIF or .npy.`
        : `Labels 0 to ${names.length - 1}: ${names.map((name, i) => `${i} ${name}`).join(", ")}. PNG, TIFF, BMP, GIF or .npy.`;
    this.#showFields();
  }

  /** Forgets what was painted: another image has come. */
  reset(image: ImageTensor): void {
    this.brush.reset(image);
  }

  /** Points at a place of the picture, in shares of it. */
  point(at: { x: number; y: number }): void {
    if (this.kind === "paint") {
      this.brush.at = at;
      this.brush.stamp(this.#paint);
    } else if (shapes.includes(this.kind)) {
      setRange("x", at.x * 100);
      setRange("y", at.y * 100);
    }
    this.#onChange();
  }

  /** Does what a key says; whether it meant something. */
  press(key: string): boolean {
    const [dx, dy] = arrows[key] ?? [0, 0];
    const isArrow = key in arrows;
    if (this.kind === "paint" && (isArrow || key === " ")) {
      this.brush.move(0.02 * dx, 0.02 * dy);
      if (key === " ") {
        this.brush.stamp(this.#paint);
      }
    } else if (shapes.includes(this.kind) && isArrow) {
      setRange("x", numberOf("x") + dx);
      setRange("y", numberOf("y") + dy);
    } else {
      return false;
    }
    this.#onChange();
    return true;
  }

  /** The target as the fields say. @throws AsmaError where there is none, Error while a file for it is missing */
  make({ image, prediction }: Scene): LabelMap {
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
      case "mask":
        return this.#files.labels(this.kind);
      default:
        return this.brush.painted as LabelMap;
    }
  }

  get #label(): number {
    return Number(valueOf("class")) || 1;
  }

  get #paint(): number {
    return valueOf("mode") === "draw" ? this.#label : 0;
  }

  #showFields(): void {
    const shown: Record<string, string> = { disc: "shape", rectangle: "shape" };
    const { kind } = this;
    for (const name of ["shape", "paint", "move", "other", "mask"]) {
      element(`fields-${name}`).hidden = (shown[kind] ?? kind) !== name;
    }
    const hasClass = this.isPointed || kind === "hide";
    const classes = element<HTMLSelectElement>("class").options.length;
    element("class-field").hidden = !hasClass || classes < 2;
    element("target-hint").textContent = hints[kind] ?? "";
    const draft = element("draft");
    draft.classList.toggle("brush", kind === "paint");
    draft.classList.toggle("pointed", this.isPointed);
    draft.setAttribute(
      "aria-label",
      `Picture and target. ${hints[kind] ?? ""} Plus and minus zoom, shift and the arrow keys move the part that is seen.`,
    );
  }
}

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Moves a slider, and tells those who watch it. */
function setRange(id: string, value: number): void {
  const range = element<HTMLInputElement>(id);
  range.valueAsNumber = value;
  range.dispatchEvent(new Event("input", { bubbles: true }));
}
