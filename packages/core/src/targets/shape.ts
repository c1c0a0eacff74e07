import { refusal } from "../errors.ts";
import { countOf, type LabelMap, type Size } from "../image.ts";
import { checkLabel } from "./check-label.ts";

/**
 * A disc of one class on background, a ball in a volume; centre and radius in pixels of the map.
 *
 * @param centre y, x; of volumes z, y, x
 * @throws AsmaError `ERR_TARGET_SIZE` when the centre has not as many numbers as the map has axes, the radius is not
 *   above 0, or the size is none; `ERR_TARGET_CLASS` for a label that is no class
 */
export function disc(size: Size, centre: readonly number[], radius: number, label = 1): LabelMap {
  checkSize(size);
  checkNumbers("centre", centre, size, size.length);
  checkNumbers("radius", [radius], size, 1);
  checkExtent("radius", [radius]);
  checkLabel(label);
  return fillRows(size, label, (row) => {
    const squares = row.map((n, i) => (n + 0.5 - (centre[i] as number)) ** 2);
    const half = Math.sqrt(radius ** 2 - squares.reduce((sum, square) => sum + square, 0));
    const middle = (centre.at(-1) as number) - 0.5;
    return [Math.ceil(middle - half), Math.floor(middle + half) + 1];
  });
}

/**
 * A rectangle of one class on background, a box in a volume, in pixels of the map.
 *
 * @param box top, left, height, width; of volumes front, top, left, depth, height, width
 * @throws AsmaError `ERR_TARGET_SIZE` when there are not two numbers per axis of the map, a side is not above 0, or
 *   the size is none; `ERR_TARGET_CLASS` for a label that is no class
 */
export function rectangle(size: Size, box: readonly number[], label = 1): LabelMap {
  checkSize(size);
  const rank = size.length;
  checkNumbers("box", box, size, 2 * rank);
  checkExtent("sides of the box", box.slice(rank));
  checkLabel(label);
  const side = (axis: number) => {
    const from = box[axis] as number;
    return [Math.ceil(from), Math.ceil(from + (box[axis + rank] as number))] as const;
  };
  return fillRows(size, label, (row) => {
    const isOutside = row.some((n, axis) => n < side(axis)[0] || n >= side(axis)[1]);
    return isOutside ? [0, 0] : side(rank - 1);
  });
}

function checkNumbers(what: string, list: readonly number[], size: Size, expected: number): void {
  const isList = Array.isArray(list) && list.every((n) => Number.isFinite(n));
  if (!isList || list.length !== expected) {
    const found = isList ? `${list.length} (${list.join(", ")})` : String(list);
    throw refusal("ERR_TARGET_SIZE", {
      expected: `${expected} numbers for the ${what} of a shape in ${size.join("×")} pixels`,
      found: `found ${found}`,
      wayOut: `give one per axis, ${size.length === 3 ? "depth, height, width" : "height, width"}`,
    });
  }
}

function checkExtent(what: string, extent: readonly number[]): void {
  if (!extent.every((n) => n > 0)) {
    throw refusal("ERR_TARGET_SIZE", {
      expected: `a shape with an extent, of pixels above 0 for the ${what},`,
      found: `found ${extent.join(", ")}`,
      wayOut: "make it larger; to take something away, hide its class",
    });
  }
}

function checkSize(size: Size): void {
  const isSize =
    Array.isArray(size) &&
    (size.length === 2 || size.length === 3) &&
    size.every((n) => Number.isSafeInteger(n) && n > 0);
  if (!isSize) {
    throw refusal("ERR_TARGET_SIZE", {
      expected: "the size of a map as [height, width] or [depth, height, width]",
      found: `found ${Array.isArray(size) ? `[${(size as readonly unknown[]).join(", ")}]` : String(size)}`,
    });
  }
}

/**
 * Fills a part of each row; pixel by pixel a large map would keep a page from answering.
 *
 * @param part first column and the one behind the last, for the indices of a row along the other axes
 */
function fillRows(
  size: Size,
  label: number,
  part: (row: readonly number[]) => readonly [from: number, to: number],
): LabelMap {
  const data = new Int32Array(countOf(size));
  const [width, height] = [size.at(-1) as number, size.at(-2) as number];
  for (let row = 0; row * width < data.length; row++) {
    const y = row % height;
    const [from, to] = part(size.length === 2 ? [y] : [Math.floor(row / height), y]);
    if (to > from && to > 0 && from < width) {
      data.fill(label, row * width + Math.max(0, from), row * width + Math.min(width, to));
    }
  }
  return { data, dims: size };
}
