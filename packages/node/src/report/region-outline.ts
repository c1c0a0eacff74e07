/** A region of an image: 1 where it may change, 0 where not, row by row. */
export interface Region {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The edge of a region as an SVG path at another size: along the borders of its pixels, where one may change and its
 * neighbour, or what is outside the image, may not.
 */
export function regionOutline(
  { data, width, height }: Region,
  to: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): string {
  const inside = (row: number, column: number) =>
    row >= 0 &&
    column >= 0 &&
    row < height &&
    column < width &&
    (data[row * width + column] as number) > 0;
  const x = (column: number) => round(to.x + (column * to.width) / width);
  const y = (row: number) => round(to.y + (row * to.height) / height);
  const parts: string[] = [];
  for (let row = 0; row <= height; row++) {
    runs(
      width,
      (column) => inside(row - 1, column) !== inside(row, column),
      (from, upTo) => parts.push(`M${x(from)} ${y(row)}H${x(upTo)}`),
    );
  }
  for (let column = 0; column <= width; column++) {
    runs(
      height,
      (row) => inside(row, column - 1) !== inside(row, column),
      (from, upTo) => parts.push(`M${x(column)} ${y(from)}V${y(upTo)}`),
    );
  }
  return parts.join("");
}

/** The outline on a picture: white beneath dashed black, so that it stands out on any. */
export function outlineSvg(path: string): string {
  return (
    `<path d="${path}" fill="none" stroke="#ffffff" stroke-width="3.5" stroke-linecap="square"/>` +
    `<path d="${path}" fill="none" stroke="#000000" stroke-width="1.5" stroke-dasharray="5 4"/>`
  );
}

/** Calls back for each longest run of positions that hold. */
function runs(
  length: number,
  holds: (position: number) => boolean,
  found: (from: number, upTo: number) => void,
): void {
  let start = -1;
  for (let at = 0; at <= length; at++) {
    const isIn = at < length && holds(at);
    if (isIn && start < 0) {
      start = at;
    } else if (!isIn && start >= 0) {
      found(start, at);
      start = -1;
    }
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
