import type { ImageTensor, LabelMap } from "@onnx-asma/core";
import { changeMap, changeUnit } from "../../packages/node/src/report/change-map.ts";
import type { ShownResult } from "../../packages/node/src/report/shown-result.ts";

/** How a result of {@link shownResult} differs from the usual one. */
export interface ShownParts extends Partial<Omit<ShownResult, "change">> {
  readonly height?: number;
  readonly width?: number;
  readonly channels?: number;
  /** Levels of the file that is saved; `null` for floating point. @default 256 */
  readonly levels?: number | null;
  /** Change of a value in levels. @default −3 to 3 in a blob */
  readonly changeAt?: (y: number, x: number, c: number) => number;
  readonly classes?: number;
}

/** A result to draw: an image of gradients, classes in stripes, and a change in its middle. */
export function shownResult(parts: ShownParts = {}): ShownResult {
  const { height = 40, width = 60, channels = 3, classes = 2, levels = 256 } = parts;
  const range = (levels ?? 256) - 1;
  const dims = [1, channels, height, width] as const;
  const isInside = (y: number, x: number) =>
    ((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.5) ** 2 < 0.1;
  const { changeAt = (y, x, c) => (isInside(y, x) ? ((7 * y + 5 * x + c) % 7) - 3 : 0) } = parts;
  const original = parts.original ?? {
    dims,
    ...(levels !== null && { levels }),
    data: Float32Array.from({ length: channels * height * width }, (_, k) => {
      const [c, y, x] = at(k, height, width);
      return Math.round(range * (0.2 + 0.3 * (y / height) + 0.2 * (x / width) + 0.05 * c)) / range;
    }),
  };
  const adversarial = parts.adversarial ?? {
    ...original,
    data: original.data.map((v, k) => {
      const [c, y, x] = at(k, height, width);
      return Math.fround(Math.round(v * range + changeAt(y, x, c)) / range);
    }),
  };
  const stripes = (shift: number): LabelMap => ({
    dims: [height, width],
    data: Int32Array.from({ length: height * width }, (_, i) => {
      const [, y, x] = at(i, height, width);
      const isObject = isInside(y, x + (shift * width) / 10);
      return isObject ? 1 + (Math.floor((x * (classes - 1)) / width) % (classes - 1)) : 0;
    }),
  });
  const target = parts.target ?? stripes(2);
  const change = changeMap(original, adversarial, changeUnit(levels ?? undefined));
  const largest = change.largest / change.unit.range;
  return {
    title: "model.onnx on image.png",
    attack: "ASMA",
    savedFile: "adversarial.png",
    classNames: Array.from({ length: classes }, (_, c) => `class ${c}`),
    predictionBefore: stripes(0),
    predictionAfter: stripes(1.8),
    snapshots: [0, 1, 2, 3, 4].map((n) => ({ iteration: 10 * n, prediction: stripes(n / 2) })),
    placement: { top: 0, left: 0, height, width },
    outcome: {
      reached: true,
      stopReason: "reached",
      options: {
        targeted: true,
        iouDefinition: classes === 2 ? "foreground" : "mean-target",
        iouThreshold: 0.95,
        pixelAccuracyThreshold: 0,
      },
      steps: 45,
      best: { step: 40 },
      saved: { iou: 0.972, pixelAccuracy: 0.9969, l2: 1.8442, linf: largest, reached: true },
      classes: [],
      visibility: {
        psnr: change.changed === 0 ? null : 48.94,
        ssim: 0.99804,
        changedPixels: change.changed / (height * width),
        levels: levels ?? 256,
        p99Levels: change.p99,
        largestLevels: largest * range,
      },
    },
    ...parts,
    original,
    adversarial,
    change,
    target,
  };
}

/** Channel, row and column of a value. */
function at(k: number, height: number, width: number): readonly [number, number, number] {
  const plane = height * width;
  return [Math.floor(k / plane), Math.floor((k % plane) / width), k % width];
}

/** The value of an image at a place. */
export function valueAt({ data, dims }: ImageTensor, c: number, y: number, x: number): number {
  const [height, width] = dims.slice(-2) as [number, number];
  return data[(c * height + y) * width + x] as number;
}
