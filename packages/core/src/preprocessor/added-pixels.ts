import type { Padding } from "../model/input/padding.ts";
import type { Config } from "./preprocessor-config.ts";
import type { NamedClass, ProcessorClass } from "./processor-classes.ts";
import { NoSize, roundHalfToEven } from "./resize-rules.ts";

/** A {@link Padding} with a number for each side. */
interface Added extends Padding {
  readonly pixels: readonly number[];
}

type Plane = readonly [height: number, width: number];

/**
 * The pixels that a class adds around a resized image, less those that it cuts off.
 *
 * @param size after resizing
 * @returns `undefined` for none
 * @throws NoSize for a padding that cannot be had
 */
export function addedPixels(
  { known, isFast }: NamedClass,
  config: Config,
  size: Plane,
): Padding | undefined {
  const crop = cropTo(known, config);
  const cropped = crop && centred(crop, size, isFast, isFast && known.resize === "convnext");
  const inner = crop ?? size;
  const padded = config.do_pad === true ? padOf(known, config, inner) : undefined;
  if (cropped !== undefined && padded !== undefined) {
    throw new NoSize("do_pad", "it comes on top of do_center_crop");
  }
  const all = cropped === undefined ? padded : { pixels: cropped, mode: "constant" as const };
  return all?.pixels.some((n) => n !== 0) === true ? all : undefined;
}

function cropTo(known: ProcessorClass, config: Config): Plane | undefined {
  if (known.resize === "convnext") {
    const edge = (config.size as { shortest_edge?: number } | undefined)?.shortest_edge;
    const side = typeof config.size === "number" ? config.size : edge;
    return config.do_resize === true && side !== undefined && side < 384 ? [side, side] : undefined;
  }
  if (config.do_center_crop !== true) {
    return undefined;
  }
  const { crop_size: size } = config;
  if (size == null) {
    throw new NoSize("do_center_crop without crop_size", "nothing says to which size");
  }
  return planeOf(size);
}

/**
 * Half of the excess is cut off in front; what is missing is added, the larger half in front, on torchvision the
 * smaller one.
 *
 * @param isEven whether half of an odd excess is rounded to an even number, as torchvision itself does
 */
function centred(crop: Plane, size: Plane, isFast: boolean, isEven: boolean): number[] {
  const before = crop.map((to, i) => {
    const half = ((size[i] as number) - to) / 2;
    if (half < 0) {
      return isFast ? Math.floor(-half) : Math.ceil(-half);
    }
    return 0 - (isEven ? roundHalfToEven(half) : Math.floor(half));
  });
  const after = crop.map((to, i) => to - (size[i] as number) - (before[i] as number));
  return [...before, ...after];
}

function padOf(known: ProcessorClass, config: Config, size: Plane): Added | undefined {
  const { pad_size: target } = config;
  const divisor = config.size_divisibility ?? config.size_divisor;
  switch (known.pad) {
    case "size":
      return target == null ? undefined : behind(planeOf(target), size);
    case "multiple":
      if (target != null) {
        return behind(planeOf(target), size);
      }
      if (divisor != null && known.resize === "unknown" && config.size_divisor != null) {
        throw new NoSize("size_divisor", "classes of image processors pad for it differently");
      }
      return divisor == null ? undefined : behind(multipleAbove(size, divisor), size);
    case "centre": {
      if (divisor == null) {
        throw new NoSize("do_pad without size_divisor", "nothing says to which size");
      }
      const excess = multipleAbove(size, divisor).map((n, i) => n - (size[i] as number));
      const before = excess.map((n) => Math.floor(n / 2));
      const after = excess.map((n, i) => n - (before[i] as number));
      return { pixels: [...before, ...after], mode: "zero" };
    }
    case "edges": {
      const edges = config.size as { shortest_edge: number; longest_edge: number };
      const target = [edges.shortest_edge, edges.longest_edge] as const;
      const pixels = target.map((n, i) => Math.max(0, n - (size[i] as number)));
      return { pixels: [0, 0, ...pixels], mode: "constant" };
    }
    default:
      throw new NoSize("do_pad", "it mirrors the image with the border's pixels doubled");
  }
}

function behind(target: Plane, size: Plane): Added {
  const pixels = target.map((n, i) => n - (size[i] as number));
  if (pixels.some((n) => n < 0)) {
    throw new NoSize(
      "pad_size",
      `it is smaller (${target.join("×")}) than the image (${size.join("×")})`,
    );
  }
  return { pixels: [0, 0, ...pixels], mode: "zero" };
}

function multipleAbove([height, width]: Plane, divisor: number): Plane {
  return [Math.ceil(height / divisor) * divisor, Math.ceil(width / divisor) * divisor];
}

function planeOf(
  size: number | readonly [number, number] | { height: number; width: number },
): Plane {
  if (typeof size === "number") {
    return [size, size];
  }
  return "height" in size ? [size.height, size.width] : size;
}
