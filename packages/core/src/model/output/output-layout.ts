import { countOf, type Size } from "../../image.ts";
import { axisOf, layouts, spatialDims, spatialRank, type Layout } from "../layout.ts";
import { gridKind } from "../grid/output-grid.ts";

/** What the order of an output's axes is decided from. */
export interface LayoutRequest {
  readonly dims: readonly number[];
  /** Size of the model's input. */
  readonly inputSize: Size;
  readonly inputLayout: Layout;
  readonly batch: number;
  /** Axis of the classes, where a softmax or argmax tells it. */
  readonly classAxis?: number | undefined;
  /** Entries per pixel, where they are known. */
  readonly channels?: number | undefined;
  /** Size in pixels, where it is known. */
  readonly size?: Size | undefined;
  /** Whether labels stand there, of whatever size. */
  readonly isDecided?: boolean;
  /** Only this one, as told by the user. */
  readonly told?: Layout | undefined;
}

/** A possible order of the axes, and how well its size fits the input's (0 not at all, 3 the same). */
export interface FittingLayout {
  readonly layout: Layout;
  readonly size: Size;
  readonly channels: number;
  readonly fit: number;
}

/**
 * Finds how the axes of an output are ordered: the order whose size fits the input's best; among
 * equals the one of the input. Pixels may stand in a row ([N, H·W, C]). `undefined` when no order makes an
 * image of it.
 */
export function fitLayout(request: LayoutRequest): FittingLayout | undefined {
  const { dims, classAxis, inputSize } = request;
  const found = fitAxes(request);
  if (found !== undefined && (found.fit > 0 || request.size !== undefined)) {
    return found;
  }
  const size = request.size ?? inputSize;
  const row = dims.indexOf(countOf(size));
  const more = size.length - 1;
  const inRow =
    row >= 0 && row !== classAxis
      ? fitAxes({
          ...request,
          dims: [...dims.slice(0, row), ...size, ...dims.slice(row + 1)],
          classAxis: classAxis === undefined || classAxis < row ? classAxis : classAxis + more,
        })
      : undefined;
  return inRow ?? found;
}

function fitAxes(request: LayoutRequest): FittingLayout | undefined {
  const { dims, inputLayout, inputSize, told, isDecided = false } = request;
  const rank = spatialRank(inputLayout);
  const candidates = layouts
    .filter(
      (layout) =>
        layout.length === dims.length &&
        spatialRank(layout) === rank &&
        // Told of labels, it may not be the order of the scores.
        (told === undefined || layout === told || (isDecided && told.length !== dims.length)),
    )
    .map((layout) => describeLayout(layout, dims, inputSize))
    .filter((candidate) => isPossible(candidate, request));
  const isLast = inputLayout.endsWith("C");
  return candidates.toSorted(
    (a, b) =>
      b.fit - a.fit ||
      Number(b.layout.endsWith("C") === isLast) - Number(a.layout.endsWith("C") === isLast),
  )[0];
}

function describeLayout(layout: Layout, dims: readonly number[], inputSize: Size): FittingLayout {
  const size = spatialDims(dims, layout) as unknown as Size;
  const axis = axisOf(layout, "C");
  const channels = axis === undefined ? 1 : (dims[axis] as number);
  return { layout, size, channels, fit: fitOf(inputSize, size) };
}

function isPossible({ layout, size, channels, fit }: FittingLayout, request: LayoutRequest) {
  const { dims, batch, classAxis, inputSize, told } = request;
  const batchAxis = axisOf(layout, "N");
  // A guess that rests on nothing but the number of axes needs a class axis and more than one pixel.
  const isGuessable =
    fit > 0 ||
    told !== undefined ||
    ((request.isDecided === true || layout.length === inputSize.length + 2) && isImage(size));
  return (
    (batchAxis === undefined ? batch === 1 : dims[batchAxis] === batch) &&
    (classAxis === undefined || axisOf(layout, "C") === classAxis) &&
    (request.channels === undefined || channels === request.channels) &&
    (request.size === undefined
      ? isGuessable
      : size.every((n, i) => n === (request.size as readonly number[])[i]))
  );
}

function isImage(size: Size): boolean {
  return size.every((n) => n > 1);
}

/** How well a size fits the input's: 3 the same, 2 a crop or a whole ratio, 1 about one ratio. */
function fitOf(input: Size, size: Size): number {
  if (!isImage(size) && !input.every((n, i) => n === size[i])) {
    return 0;
  }
  const kind = gridKind(input, size);
  if (kind !== "scaled") {
    return kind === "same" ? 3 : 2;
  }
  const ratio = input[0] / size[0];
  if (input.every((n, i) => n === (size[i] as number) * ratio)) {
    return 2;
  }
  return input.every((n, i) => Math.abs(n / ratio - (size[i] as number)) <= 1) ? 1 : 0;
}
