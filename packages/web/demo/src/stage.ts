import type { ImageTensor, LabelMap } from "@onnx-asma/web";
import { element, numberOf, showWhere } from "./element.ts";
import { drawPerturbation } from "./perturbation.ts";
import {
  contextOf,
  drawClasses,
  drawImage,
  drawOutline,
  fitCanvas,
  type PlacedLabels,
} from "./picture.ts";
import type { Scene } from "./scene.ts";
import { whole, type View } from "./view.ts";

/** An image of a scene, what the model draws on it, and its largest change. */
export interface Iterate {
  readonly image: ImageTensor;
  readonly prediction: LabelMap;
  readonly linf: number;
}

/** The target as it is drawn: its labels, and where the brush is, as shares of the picture. */
export interface Draft {
  readonly target: LabelMap | undefined;
  readonly cursor: { readonly x: number; readonly y: number } | undefined;
}

const canvas = (id: string) => element<HTMLCanvasElement>(id);

/** The pictures: before and after the attack, what the model draws on them, the target, and the change. */
export class Stage {
  #scene: Scene | undefined;
  #iterate: Iterate | undefined;
  #draft: Draft = { target: undefined, cursor: undefined };
  #view = whole;
  #isDraftDue = false;
  #isAllDue = false;

  constructor() {
    element("change-style").addEventListener("change", () => this.#drawChange());
    element("overlay").addEventListener("change", ({ target }) => {
      const { checked } = target as HTMLInputElement;
      element("compare").classList.toggle("plain", !checked);
    });
    const split = element<HTMLInputElement>("split");
    split.addEventListener("input", () => this.#split(split.value));
    this.#split(split.value);
  }

  /** Shows a scene, before any attack. */
  show(scene: Scene): void {
    const [, , height, width] = scene.image.dims;
    element("compare").style.setProperty("--ratio", String(width / height));
    this.#scene = scene;
    this.clear();
    this.#drawBefore();
  }

  /** Takes what was shown of an attack away. */
  clear(): void {
    this.#iterate = undefined;
    showWhere("[data-after], #after-layer, #perturbation-figure", false);
  }

  /** Draws an iterate and its change, each in a frame of its own. */
  async showIterate(iterate: Iterate): Promise<void> {
    this.#iterate = iterate;
    await nextFrame();
    this.#drawAfter();
    await nextFrame();
    this.#drawAfterLabels();
    await nextFrame();
    this.#drawChange();
    showWhere("[data-after], #after-layer, #perturbation-figure", true);
    await nextFrame();
  }

  /** Draws the target with the next frame: a pointer moves more often than the screen changes. */
  showDraft(draft: () => Draft): void {
    if (!this.#isDraftDue) {
      this.#isDraftDue = true;
      requestAnimationFrame(() => {
        this.#isDraftDue = false;
        this.#draft = draft();
        this.#drawDraft();
      });
    }
  }

  get view(): View {
    return this.#view;
  }

  /** Shows another part of the pictures. */
  set view(view: View) {
    this.#view = view;
    if (!this.#isAllDue) {
      this.#isAllDue = true;
      requestAnimationFrame(async () => {
        this.#isAllDue = false;
        this.#drawBefore();
        this.#drawDraft();
        await nextFrame();
        this.#drawAfter();
        this.#drawAfterLabels();
        await nextFrame();
        this.#drawChange();
      });
    }
  }

  /** The image before the attack is on the left of the slider, after it on the right. */
  #split(value: string): void {
    element("compare").style.setProperty("--split", `${value}%`);
  }

  #drawBefore(): void {
    const scene = this.#scene;
    if (scene !== undefined) {
      const { image, prediction } = scene;
      drawImage(canvas("before"), image, this.#view);
      drawClasses(canvas("before-labels"), image, placed(scene, prediction), this.#view);
    }
  }

  #drawAfter(): void {
    if (this.#iterate !== undefined) {
      drawImage(canvas("after"), this.#iterate.image, this.#view);
    }
  }

  #drawAfterLabels(): void {
    const [scene, iterate] = [this.#scene, this.#iterate];
    if (scene !== undefined && iterate !== undefined) {
      const { image, prediction } = iterate;
      drawClasses(canvas("after-labels"), image, placed(scene, prediction), this.#view);
    }
  }

  #drawChange(): void {
    const [scene, iterate] = [this.#scene, this.#iterate];
    if (scene !== undefined && iterate !== undefined) {
      drawPerturbation(iterate.image, scene.image, iterate.linf, this.#view);
    }
  }

  #drawDraft(): void {
    const scene = this.#scene;
    if (scene === undefined) {
      return;
    }
    const { target, cursor } = this.#draft;
    const draft = canvas("draft");
    fitCanvas(draft, scene.image);
    const context = contextOf(draft);
    context.clearRect(0, 0, draft.width, draft.height);
    if (target !== undefined) {
      drawOutline(draft, scene.image, placed(scene, target), this.#view);
    }
    if (cursor !== undefined) {
      drawBrush(draft, cursor, this.#view);
    }
  }
}

function drawBrush(draft: HTMLCanvasElement, at: { x: number; y: number }, view: View): void {
  const context = contextOf(draft);
  const radius = ((numberOf("brush") / 100) * draft.width) / 2 / view.extent;
  const x = ((at.x - view.left) / view.extent) * draft.width;
  const y = ((at.y - view.top) / view.extent) * draft.height;
  for (const [width, colour] of [
    [4, "#000"],
    [2, "#fff"],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** Labels of the image's size cover it; others lie on the output grid. */
function placed({ image, description }: Scene, labels: LabelMap): PlacedLabels {
  const [, , height, width] = image.dims;
  const isWhole = labels.dims[0] === height && labels.dims[1] === width;
  const placement = isWhole ? { top: 0, left: 0, height, width } : description.grid.placement;
  return { labels, placement };
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}
