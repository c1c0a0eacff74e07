import { AsmaError } from "../errors.ts";
import { countOf, type LabelMap, type Size } from "../image.ts";

/**
 * A disc of one class on background, a ball in a volume; centre and radius in pixels of the map.
 *
 * @param centre y, x; of volumes z, y, x
 * @throws AsmaError `ERR_TARGET_SIZE` when the centre has not as many numbers as the map has axes
 */
export function disc(size: Size, centre: readonly number[], radius: number, label = 1): LabelMap {
  checkNumbers("centre", centre, size, size.length);
  return fill(size, label, (at) => {
    const squares = at.map((n, i) => (n + 0.5 - (centre[i] as number)) ** 2);
    return squares.reduce((sum, square) => sum + square, 0) <= radius ** 2;
  });
}

/**
 * A rectangle of one class on background, a box in a volume, in pixels of the map.
 *
 * @param box top, left, height, width; of volumes front, top, left, depth, height, width
 * @throws AsmaError `ERR_TARGET_SIZE` when there are not two numbers per axis of the map
 */
export function rectangle(size: Size, box: readonly number[], label = 1): LabelMap {
  const rank = size.length;
  checkNumbers("box", box, size, 2 * rank);
  return fill(size, label, (at) =>
    at.every((n, i) => {
      const from = box[i] as number;
      return n >= from && n < from + (box[i + rank] as number);
    }),
  );
}

function checkNumbers(what: string, list: readonly number[], size: Size, expected: number): void {
  if (list.length !== expected) {
    throw new AsmaError(
      "ERR_TARGET_SIZE",
      `Expected ${expected} numbers for the ${what} of a shape in ${size.join("×")} pixels but found ${list.length} (${list.join(", ")}): give one per axis, ${size.length === 3 ? "depth, height, width" : "height, width"}.`,
    );
  }
}

function fill(size: Size, label: number, inside: (at: readonly number[]) => boolean): LabelMap {
  const data = new Int32Array(countOf(size));
  const [width, height] = [size.at(-1) as number, size.at(-2) as number];
  for (let i = 0; i < data.length; i++) {
    const plane = [Math.floor(i / width) % height, i % width];
    const at = size.length === 2 ? plane : [Math.floor(i / (width * height)), ...plane];
    data[i] = inside(at) ? label : 0;
  }
  return { data, dims: size };
}
