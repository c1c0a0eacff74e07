import type { LabelMap, Size } from "../image.ts";
import type { Preprocessing } from "./preprocessing.ts";

/**
 * Where the output grid lies on the model's input: `same` size, a centred `crop` (valid
 * convolutions), or the whole input at a coarser or other scale (`scaled`).
 */
export type GridKind = "same" | "crop" | "scaled";

/** Position of the output grid in pixels of the user's image; fractions when scaled. */
export interface OutputGrid {
  readonly kind: GridKind;
  readonly size: Size;
  /** The rectangle of the image that the grid covers; may reach into the padding. */
  readonly placement: {
    readonly top: number;
    readonly left: number;
    readonly height: number;
    readonly width: number;
  };
}

/** Decides what the output grid covers, from sizes alone. */
export function outputGrid(inputSize: Size, size: Size, preprocessing: Preprocessing): OutputGrid {
  const kind = gridKind(inputSize, size);
  const margin =
    kind === "crop" ? [(inputSize[0] - size[0]) / 2, (inputSize[1] - size[1]) / 2] : [0, 0];
  const covered = kind === "crop" ? size : inputSize;
  const { imageSize, resizedSize, padding } = preprocessing;
  const scale = [imageSize[0] / resizedSize[0], imageSize[1] / resizedSize[1]] as const;
  return {
    kind,
    size,
    placement: {
      top: ((margin[0] as number) - padding[0]) * scale[0],
      left: ((margin[1] as number) - padding[1]) * scale[1],
      height: covered[0] * scale[0],
      width: covered[1] * scale[1],
    },
  };
}

function gridKind(input: Size, output: Size): GridKind {
  const [dy, dx] = [input[0] - output[0], input[1] - output[1]];
  if (dy === 0 && dx === 0) {
    return "same";
  }
  const isWhole = input[0] % output[0] === 0 && input[1] % output[1] === 0;
  return !isWhole && dy === dx && dy > 0 && dy % 2 === 0 ? "crop" : "scaled";
}

/** Brings a label map on the image's grid to the output grid (nearest pixel, border repeated). */
export function toOutputGrid(labels: LabelMap, grid: OutputGrid): LabelMap {
  const [height, width] = grid.size;
  const { placement } = grid;
  const data = new Int32Array(height * width);
  const clampTo = (x: number, n: number) => Math.min(Math.max(Math.floor(x), 0), n - 1);
  for (let y = 0; y < height; y++) {
    const row = clampTo(placement.top + ((y + 0.5) * placement.height) / height, labels.dims[0]);
    for (let x = 0; x < width; x++) {
      const column = clampTo(
        placement.left + ((x + 0.5) * placement.width) / width,
        labels.dims[1],
      );
      data[y * width + x] = labels.data[row * labels.dims[1] + column] as number;
    }
  }
  return { data, dims: [height, width] };
}
