import type { LabelMap, Size } from "../image.ts";

/** A disc of one class on background; centre and radius in pixels of the map. */
export function disc(
  size: Size,
  centre: readonly [y: number, x: number],
  radius: number,
  label = 1,
): LabelMap {
  return fill(
    size,
    label,
    (y, x) => (y + 0.5 - centre[0]) ** 2 + (x + 0.5 - centre[1]) ** 2 <= radius ** 2,
  );
}

/** A rectangle of one class on background; top, left, height, width in pixels of the map. */
export function rectangle(
  size: Size,
  [top, left, height, width]: readonly [number, number, number, number],
  label = 1,
): LabelMap {
  return fill(size, label, (y, x) => y >= top && y < top + height && x >= left && x < left + width);
}

function fill(
  [height, width]: Size,
  label: number,
  inside: (y: number, x: number) => boolean,
): LabelMap {
  const data = new Int32Array(height * width);
  for (let i = 0; i < data.length; i++) {
    data[i] = inside(Math.floor(i / width), i % width) ? label : 0;
  }
  return { data, dims: [height, width] };
}
