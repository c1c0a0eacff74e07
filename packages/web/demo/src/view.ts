/** The part of the picture that is seen, as shares of its width and height. */
export interface View {
  readonly left: number;
  readonly top: number;
  /** Of width and height alike: 1 is the whole picture. */
  readonly extent: number;
}

/** The whole picture. */
export const whole: View = { left: 0, top: 0, extent: 1 };

/** At most so many times as large. */
export const mostZoom = 32;

/** The view `factor` times as close, around a place that stays where it is. */
export function zoomed(view: View, factor: number, at: { x: number; y: number }): View {
  const extent = Math.min(1, Math.max(1 / mostZoom, view.extent / factor));
  const inside = (from: number, part: number) => from + part * view.extent - part * extent;
  return bounded({ left: inside(view.left, at.x), top: inside(view.top, at.y), extent });
}

/** The view moved by shares of itself. */
export function moved({ left, top, extent }: View, dx: number, dy: number): View {
  return bounded({ left: left + dx * extent, top: top + dy * extent, extent });
}

/** A place of the view, as shares of the whole picture. */
export function placeIn(view: View, { x, y }: { x: number; y: number }) {
  return { x: view.left + x * view.extent, y: view.top + y * view.extent };
}

function bounded({ left, top, extent }: View): View {
  const within = (from: number) => Math.min(Math.max(0, from), 1 - extent);
  return { left: within(left), top: within(top), extent };
}
