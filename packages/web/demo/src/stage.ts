import type { ImageTensor, LabelMap, Verification } from "@onnx-asma/web";
import { element, numberOf } from "./element.ts";
import { contextOf, drawChange, drawImage, drawLabels, fitCanvas } from "./picture.ts";
import type { Scene } from "./scene.ts";

const canvas = (id: string) => element<HTMLCanvasElement>(id);

/** Draws an image with what the model draws on it, before or after the attack. */
export function drawScene(
  id: "before" | "after",
  { description }: Scene,
  { image, prediction }: Pick<Scene, "image" | "prediction">,
): void {
  drawImage(canvas(id), image);
  drawLabels(canvas(id), prediction, image, description.grid.placement, { alpha: 0.4 });
}

/** Draws the outline of the target, and the brush where there is one. */
export function drawTarget(
  { image, description }: Scene,
  target: LabelMap | undefined,
  cursor: { readonly x: number; readonly y: number } | undefined,
): void {
  const draft = canvas("draft");
  fitCanvas(draft, image);
  const context = contextOf(draft);
  context.clearRect(0, 0, draft.width, draft.height);
  if (target !== undefined) {
    const { placement } = description.grid;
    drawLabels(draft, target, image, placement, { alpha: 0, outline: true });
  }
  if (cursor !== undefined) {
    const radius = ((numberOf("brush") / 100) * draft.width) / 2;
    context.strokeStyle = "#fff";
    context.beginPath();
    context.arc(cursor.x * draft.width, cursor.y * draft.height, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** Draws an iterate and its change, each in a frame of its own. */
export async function drawIterate(
  scene: Scene,
  iterate: Pick<Verification, "image" | "prediction" | "linf">,
): Promise<void> {
  await nextFrame();
  drawScene("after", scene, iterate);
  await nextFrame();
  drawPerturbation(iterate.image, scene.image, iterate.linf);
  await nextFrame();
}

/** Shows the untouched image, and no change. */
export function clearIterate(scene: Scene): void {
  drawScene("after", scene, scene);
  const picture = canvas("perturbation");
  contextOf(picture).clearRect(0, 0, picture.width, picture.height);
  element("perturbation-caption").textContent =
    "The change, amplified: appears with the first step.";
}

/** The change in grey around the middle, amplified until its largest value is seen. */
function drawPerturbation(image: ImageTensor, original: ImageTensor, linf: number): void {
  const factor = linf > 0 ? 0.5 / linf : 1;
  drawChange(canvas("perturbation"), image, original, factor);
  element("perturbation-caption").textContent =
    `The change, amplified ${factor.toPrecision(2)} times.`;
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}
