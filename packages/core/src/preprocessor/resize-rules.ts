import type { Config } from "./preprocessor-config.ts";
import type { ResizeRule } from "./processor-classes.ts";

type Plane = readonly [height: number, width: number];

/** Why a rule gives no size: the entry that is at fault, and what it should have been. */
export class NoSize extends Error {
  readonly entry: string;

  constructor(entry: string, reason: string) {
    super(reason);
    this.entry = entry;
  }
}

/** A `size` by the names of its parts. */
interface Edges {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  readonly shortest?: number | undefined;
  readonly longest?: number | undefined;
  readonly maxHeight?: number | undefined;
  readonly maxWidth?: number | undefined;
}

/**
 * The size that an image becomes by the rule of a class, with that class's way of rounding.
 *
 * @param config with the class's defaults
 * @param isSquare whether a number for `size` is the edge of a square
 * @throws NoSize when the rule cannot take this `size`
 * @see https://github.com/huggingface/transformers (`image_processing_*.py`, 4.46 to 4.57)
 */
export function resizedSize(
  rule: ResizeRule,
  config: Config,
  isSquare: boolean,
  image: Plane,
): Plane {
  if (rule === "unknown") {
    return agreedSize(config, image);
  }
  return rules[rule](edgesOf(config, config.default_to_square ?? isSquare), config, image);
}

const rules: Record<
  Exclude<ResizeRule, "unknown">,
  (edges: Edges, config: Config, image: Plane) => Plane
> = {
  none: (_edges, _config, image) => image,
  exact: (edges) => given(edges, "height and width"),
  shortest: (edges, _config, image) => {
    if (edges.longest !== undefined) {
      throw new NoSize("size.longest_edge", "its class leaves it out of account");
    }
    return edges.shortest === undefined
      ? given(edges, "shortest_edge, or height and width")
      : byShortest(image, edges.shortest, undefined);
  },
  detr: detrSize,
  yolos: (edges, config, image) => {
    const size = detrSize(edges, config, image);
    return edges.shortest === undefined ? size : multipleBelow(size, 16);
  },
  maskformer: (edges, { size_divisor, size_divisibility }, image) => {
    const { shortest, longest } = edges;
    const [height, width] =
      shortest !== undefined && longest !== undefined
        ? byShortest(image, shortest, longest)
        : given(edges, "shortest_edge and longest_edge, or height and width");
    const divisor = size_divisibility ?? size_divisor ?? 1;
    return [Math.ceil(height / divisor) * divisor, Math.ceil(width / divisor) * divisor];
  },
  dpt: dptSize,
  sam: ({ longest, shortest }, _config, image) => {
    if (longest === undefined || shortest !== undefined) {
      throw new NoSize("size", "its class takes longest_edge alone");
    }
    const scale = longest / Math.max(...image);
    return [Math.trunc(image[0] * scale + 0.5), Math.trunc(image[1] * scale + 0.5)];
  },
  eomt: ({ shortest, longest }, _config, image) => {
    if (shortest === undefined || longest === undefined) {
      throw new NoSize("size", "its class takes shortest_edge and longest_edge");
    }
    return byAspect(image, shortest, longest, roundHalfToEven);
  },
  glpn: (_edges, { size_divisor }, image) => multipleBelow(image, size_divisor ?? 32),
  convnext: (edges, { crop_pct }, image) => {
    const { shortest } = edges;
    if (shortest === undefined || edges.longest !== undefined) {
      throw new NoSize("size", "its class takes shortest_edge alone");
    }
    return shortest < 384
      ? byShortest(image, Math.trunc(shortest / (crop_pct ?? 224 / 256)), undefined)
      : [shortest, shortest];
  },
  javascript: javascriptSize,
};

function edgesOf({ size, max_size }: Config, isSquare: boolean): Edges {
  if (typeof size === "number") {
    return isSquare
      ? { height: size, width: size }
      : { shortest: size, longest: max_size ?? undefined };
  }
  if (Array.isArray(size)) {
    return { height: size[0], width: size[1] };
  }
  const edges = (size ?? {}) as Readonly<Record<string, number | undefined>>;
  return {
    height: edges["height"],
    width: edges["width"],
    shortest: edges["shortest_edge"],
    longest: edges["longest_edge"] ?? undefined,
    maxHeight: edges["max_height"],
    maxWidth: edges["max_width"],
  };
}

function given({ height, width }: Edges, expected: string): Plane {
  if (height === undefined || width === undefined) {
    throw new NoSize("size", `its class takes ${expected}`);
  }
  return [height, width];
}

/** The shorter edge, whose other one is cut off to whole pixels; both shrink where the longer one is too long. */
function byShortest([height, width]: Plane, edge: number, longest: number | undefined): Plane {
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  let [newShort, newLong] = [edge, Math.trunc((edge * long) / short)];
  if (longest !== undefined) {
    if (longest <= edge) {
      throw new NoSize("size", "its class takes a longest edge above the shortest");
    }
    if (newLong > longest) {
      [newShort, newLong] = [Math.trunc((longest * newShort) / newLong), longest];
    }
  }
  return width <= height ? [newLong, newShort] : [newShort, newLong];
}

/** The shorter edge, which gives way to the longest before anything is rounded. */
function byAspect(
  [height, width]: Plane,
  edge: number,
  longest: number,
  round: (x: number) => number,
): Plane {
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  const isTooLong = (long / short) * edge > longest;
  const exact = isTooLong ? (longest * short) / long : edge;
  const newShort = isTooLong ? roundHalfToEven(exact) : edge;
  if (short === newShort) {
    return [height, width];
  }
  return width < height
    ? [round((exact * height) / width), newShort]
    : [newShort, round((exact * width) / height)];
}

function detrSize(edges: Edges, _config: Config, image: Plane): Plane {
  const { shortest, longest, maxHeight, maxWidth } = edges;
  if (shortest !== undefined && longest !== undefined) {
    return byAspect(image, shortest, longest, Math.trunc);
  }
  if (maxHeight !== undefined && maxWidth !== undefined) {
    const scale = Math.min(maxHeight / image[0], maxWidth / image[1]);
    return [Math.trunc(image[0] * scale), Math.trunc(image[1] * scale)];
  }
  return given(
    edges,
    "shortest_edge and longest_edge, max_height and max_width, or height and width",
  );
}

function dptSize(edges: Edges, config: Config, image: Plane): Plane {
  const [height, width] = given(edges, "height and width");
  const multiple = config.ensure_multiple_of ?? 1;
  let [down, across] = [height / image[0], width / image[1]];
  if (config.keep_aspect_ratio === true) {
    // The axis that changes least decides.
    down = across = Math.abs(1 - across) < Math.abs(1 - down) ? across : down;
  }
  const toMultiple = (x: number) => {
    const rounded = roundHalfToEven(x / multiple) * multiple;
    return rounded < 0 ? Math.ceil(x / multiple) * multiple : rounded;
  };
  return [toMultiple(down * image[0]), toMultiple(across * image[1])];
}

/** As transformers.js finds it, whatever the class is called. */
function javascriptSize(edges: Edges, config: Config, image: Plane): Plane {
  const divisor = config.size_divisibility ?? config.size_divisor ?? undefined;
  const { shortest } = edges;
  const longest = edges.longest ?? (typeof config.size === "number" ? config.size : undefined);
  if (shortest !== undefined || longest !== undefined) {
    const up = shortest === undefined ? 1 : Math.max(shortest / image[1], shortest / image[0]);
    const grown = [image[0] * up, image[1] * up] as const;
    const down = longest === undefined ? 1 : Math.min(longest / grown[1], longest / grown[0]);
    const size = grown.map((n) => Math.floor(Number((n * down).toFixed(2)))) as unknown as Plane;
    return divisor === undefined ? size : multipleBelow(size, divisor, divisor);
  }
  if (edges.height !== undefined && edges.width !== undefined) {
    return config.keep_aspect_ratio === true && config.ensure_multiple_of != null
      ? dptSize(edges, config, image)
      : [edges.height, edges.width];
  }
  if (divisor === undefined) {
    throw new NoSize("size", "transformers.js takes edges, or height and width");
  }
  return multipleBelow(image, divisor, divisor);
}

/** Of a file that names no class, the size on which those that could be meant agree. */
function agreedSize(config: Config, image: Plane): Plane {
  if (typeof config.size === "number" && config.default_to_square == null) {
    throw new NoSize(
      "size",
      "a number means a square to some classes and the shorter edge to others",
    );
  }
  const isSquare = config.default_to_square === true;
  const edges = edgesOf(config, isSquare);
  const divisor = ["size_divisibility", "size_divisor"] as const;
  const told = divisor.find((key) => config[key] != null);
  // transformers.js also enlarges to the longest edge, which no class of transformers does.
  const hasBoth = edges.shortest !== undefined && edges.longest !== undefined;
  const candidates = (["detr", "maskformer", "shortest", "javascript", "sam"] as const).flatMap(
    (rule) => {
      if (rule === "javascript" && hasBoth && told === undefined) {
        return [];
      }
      try {
        return [rules[rule](edges, config, image)];
      } catch (error) {
        if (error instanceof NoSize) {
          return [];
        }
        throw error;
      }
    },
  );
  const [first] = candidates;
  if (first === undefined || candidates.some((size) => String(size) !== String(first))) {
    throw new NoSize(
      told ?? "size",
      `classes of image processors read it differently (${[...new Set(candidates.map((size) => size.join("×")))].join(", ") || "none does"})`,
    );
  }
  return first;
}

function multipleBelow([height, width]: Plane, divisor: number, least = 0): Plane {
  const below = (n: number) => Math.max(Math.floor(n / divisor) * divisor, least);
  return [below(height), below(width)];
}

/** As Python rounds. */
export function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest === 0.5 ? floor + (floor % 2) : Math.round(x);
}
