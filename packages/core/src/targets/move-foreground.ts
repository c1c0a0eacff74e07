import { checkLabelMap } from "../check-array.ts";
import { checkKeys } from "../check-keys.ts";
import { refusal } from "../errors.ts";
import type { LabelMap } from "../image.ts";

/** How the foreground is moved; everything about the centre of its pixels. */
export interface Move {
  /** Pixels of the map down and to the right. @default [0, 0] */
  readonly shift?: readonly [down: number, right: number];
  /** Degrees, counterclockwise as seen. @default 0 */
  readonly rotate?: number;
  /** Factor of the size. @default 1 */
  readonly scale?: number;
}

/**
 * The prediction with all its foreground (labels other than 0) shifted, rotated and scaled; what is
 * uncovered becomes background. Labels are taken from the nearest pixel. In volumes every slice is
 * moved in its plane, all about one centre.
 *
 * @throws AsmaError `ERR_ARRAY_DTYPE`, `ERR_ARRAY_SHAPE` for what is no label map; `ERR_OPTION` for a move
 *   that is none; `ERR_TARGET_EMPTY` where there is no foreground, or none is left
 */
export function moveForeground(prediction: LabelMap, move: Move = {}): LabelMap {
  checkLabelMap(prediction, "the prediction");
  checkKeys(move, ["shift", "rotate", "scale"], "a move");
  const { shift = [0, 0], rotate = 0, scale = 1 } = move;
  checkMove({ shift, rotate, scale });
  const [height, width] = prediction.dims.slice(-2) as [number, number];
  const data = new Int32Array(prediction.data.length);
  const centre = centreOfForeground(prediction.data, height, width);
  if (centre === undefined) {
    throw refusal("ERR_TARGET_EMPTY", {
      expected: "foreground in the prediction, to move it,",
      found: "the model draws none on this image",
      wayOut: "give a target of its own, or take another image",
    });
  }
  const angle = (rotate * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  for (let slice = 0; slice < data.length; slice += height * width) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const dy = y - centre[0] - shift[0];
        const dx = x - centre[1] - shift[1];
        const fromY = Math.round(centre[0] + cos * dy + sin * dx);
        const fromX = Math.round(centre[1] - sin * dy + cos * dx);
        if (fromY >= 0 && fromY < height && fromX >= 0 && fromX < width) {
          const from = slice + fromY * width + fromX;
          data[slice + y * width + x] = Math.max(0, prediction.data[from] as number);
        }
      }
    }
  }
  if (data.every((label) => label === 0)) {
    throw refusal("ERR_TARGET_EMPTY", {
      expected: "a move that leaves foreground on the output grid",
      found: `nothing of it is left on ${prediction.dims.join("×")} pixels`,
      wayOut: "move it less far, or hide its class where that is meant",
    });
  }
  return { data, dims: prediction.dims };
}

function checkMove({ shift, rotate, scale }: Required<Move>): void {
  const isNumber = (n: unknown) => typeof n === "number" && Number.isFinite(n);
  const wrong = (name: keyof Move, what: string, found: unknown) =>
    refusal("ERR_OPTION", { expected: `${what} for \`${name}\``, found: `found ${String(found)}` });
  if (!Array.isArray(shift) || shift.length !== 2 || !shift.every(isNumber)) {
    throw wrong("shift", "two numbers (down, right)", shift);
  }
  if (!isNumber(rotate)) {
    throw wrong("rotate", "a number of degrees", rotate);
  }
  if (!isNumber(scale) || scale <= 0) {
    throw wrong("scale", "a number above 0", scale);
  }
}

/** Mean row and column of the foreground, over all slices. */
function centreOfForeground(
  data: Int32Array,
  height: number,
  width: number,
): readonly [number, number] | undefined {
  let [count, sumY, sumX] = [0, 0, 0];
  data.forEach((label, i) => {
    if (label > 0) {
      count += 1;
      sumY += Math.floor(i / width) % height;
      sumX += i % width;
    }
  });
  return count === 0 ? undefined : [sumY / count, sumX / count];
}
