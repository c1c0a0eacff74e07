import type { ImageTensor, LabelMap } from "@onnx-asma/web";
import { numberOf } from "./element.ts";

/** A target that is painted by hand. */
export class Brush {
  #painted: LabelMap | undefined;
  /** Where the brush is, as shares of the picture. */
  at = { x: 0.5, y: 0.5 };

  get painted(): LabelMap | undefined {
    return this.#painted;
  }

  /** Forgets what was painted: another image has come. */
  reset(image: ImageTensor): void {
    const [, , height, width] = image.dims;
    this.#painted = { data: new Int32Array(height * width), dims: [height, width] };
  }

  clear(): void {
    this.#painted?.data.fill(0);
  }

  /** Moves the brush by shares of the picture. */
  move(dx: number, dy: number): void {
    const clamp = (v: number) => Math.min(1, Math.max(0, v));
    this.at = { x: clamp(this.at.x + dx), y: clamp(this.at.y + dy) };
  }

  /** Paints a disc where the brush is. */
  stamp(label: number): void {
    if (this.#painted === undefined) {
      return;
    }
    const { data, dims } = this.#painted;
    const [height, width] = dims;
    const radius = ((numberOf("brush") / 100) * width) / 2;
    const [cx, cy] = [this.at.x * width, this.at.y * height];
    for (let y = Math.max(0, Math.floor(cy - radius)); y < Math.min(height, cy + radius); y++) {
      const half = Math.sqrt(Math.max(0, radius ** 2 - (y + 0.5 - cy) ** 2));
      const [left, right] = [Math.max(0, Math.round(cx - half)), Math.round(cx + half)];
      data.fill(label, y * width + left, y * width + Math.min(width, right));
    }
  }
}
