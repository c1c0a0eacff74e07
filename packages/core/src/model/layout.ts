import type { GraphBuilder, Value } from "@onnx-asma/autodiff";
import type { Size } from "../image.ts";

/**
 * Orders that the axes of an image, a volume or an output may have: N batch, C channels or classes, D
 * depth, H height, W width.
 */
export const layouts = [
  "NCHW",
  "NHWC",
  "CHW",
  "HWC",
  "NHW",
  "HW",
  "NCDHW",
  "NDHWC",
  "CDHW",
  "DHWC",
  "NDHW",
  "DHW",
] as const;

/** One of {@link layouts}. */
export type Layout = (typeof layouts)[number];

/** Number of spatial axes: 2, or 3 for volumes. */
export function spatialRank(layout: Layout): 2 | 3 {
  return layout.includes("D") ? 3 : 2;
}

/** The axis of a letter, `undefined` where the layout has none. */
export function axisOf(layout: Layout, letter: "N" | "C" | "D" | "H" | "W"): number | undefined {
  const axis = layout.indexOf(letter);
  return axis < 0 ? undefined : axis;
}

/** The entries of `dims` on the spatial axes. */
export function spatialDims<T>(dims: readonly T[], layout: Layout): T[] {
  return dims.filter((_, axis) => "DHW".includes(layout[axis] as string));
}

/** The dims of a tensor of this layout. */
export function dimsFor(
  layout: Layout,
  batch: number,
  channels: number,
  size: Size | readonly number[],
): number[] {
  const spatial = [...size];
  return [...layout].map((letter) =>
    letter === "N" ? batch : letter === "C" ? channels : (spatial.shift() as number),
  );
}

/**
 * Brings [N, C, …size] to a layout; a batch of more than N = 1 is filled with copies.
 *
 * @returns a value of `dimsFor(layout, batch, C, size)`
 */
export function toLayout(b: GraphBuilder, x: Value, layout: Layout, batch: number): Value {
  const [images, channels, ...size] = x.dims as readonly [number, number, ...number[]];
  const canonical = size.length === 2 ? "NCHW" : "NCDHW";
  const isLast = layout.endsWith("C");
  const last = isLast ? b.transpose(x, [0, ...size.map((_, i) => i + 2), 1]) : x;
  const dims = dimsFor(layout, images, channels, size);
  // Without a batch or channel axis only entries of 1 go.
  const shaped = layout === canonical ? last : b.reshape(last, dims);
  return b.expand(shaped, dimsFor(layout, batch, channels, size));
}

/** The first `images` samples of a tensor of this layout as [images, C, …size]. */
export function fromLayout(b: GraphBuilder, x: Value, layout: Layout, images: number): Value {
  const first = axisOf(layout, "N") === undefined ? x : takeSamples(b, x, images);
  const size = spatialDims(first.dims, layout);
  const channelAxis = axisOf(layout, "C");
  const channels = channelAxis === undefined ? 1 : (first.dims[channelAxis] as number);
  if (channelAxis !== undefined && layout.endsWith("C")) {
    const last = b.reshape(first, [images, ...size, channels]);
    return b.transpose(last, [0, size.length + 1, ...size.map((_, i) => i + 1)]);
  }
  return b.reshape(first, [images, channels, ...size]);
}

/** The first `images` samples along axis 0. */
export function takeSamples(b: GraphBuilder, x: Value, images: number): Value {
  return x.dims[0] === images ? x : b.slice(x, [0], [0], [images]);
}

/**
 * Index of the first sample's element of channel `c` at pixel `i` (row by row) in a tensor of this
 * layout and size.
 */
export function indexIn(
  layout: Layout,
  channels: number,
  pixels: number,
): (c: number, i: number) => number {
  return layout.endsWith("C") ? (c, i) => i * channels + c : (c, i) => c * pixels + i;
}
