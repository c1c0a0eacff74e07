import type { Evidence } from "./evidence.ts";
import { axisThrough, type GraphNode, type GraphWalk } from "./graph-walk.ts";

type Known = Pick<Evidence, "axis" | "picked">;

/** What an operator of one input, which keeps the range of numbers, makes of the axis of classes and of some of them. */
export function pickThrough(
  walk: GraphWalk,
  node: GraphNode,
  name: string,
  { axis, picked }: Known,
): Known {
  const [input = ""] = node.input;
  const before = walk.dims(input) ?? [];
  const after = walk.dims(name) ?? [];
  const isGone = node.opType === "Gather" && after.length < before.length;
  const along = isGone ? walk.axis(node, 0) : undefined;
  const moved = (at: number | undefined) =>
    along === undefined || at === undefined
      ? axisThrough(walk, node, at, false)
      : at === along
        ? undefined
        : at - Number(at > along);
  const all =
    picked ??
    (axis === undefined
      ? undefined
      : { from: input, entries: Array.from({ length: before[axis] ?? 0 }, (_, i) => i), axis });
  const own = all?.axis;
  const to = moved(axis);
  if (all === undefined || to !== undefined) {
    return { axis: to, picked: undefined };
  }
  if (own === undefined) {
    return { axis: to, picked: all };
  }
  const kept = indicesAlong(walk, node, name, own)?.map((i) => all.entries[i] as number);
  const entries = kept ?? all.entries;
  const at = moved(own);
  // Merged with something else, or taken twice.
  const isLost =
    (kept === undefined && at === undefined && entries.length > 1) ||
    new Set(entries).size < entries.length;
  const stays = own === at || kept === undefined ? at : isGone ? undefined : own;
  return {
    axis: to,
    picked: isLost ? undefined : { ...all, entries, axis: entries.length > 1 ? stays : undefined },
  };
}

/** Which entries along an axis an operator takes; `undefined` when it takes none out along it, or it is not known. */
function indicesAlong(
  walk: GraphWalk,
  node: GraphNode,
  name: string,
  axis: number,
): readonly number[] | undefined {
  const [input = "", second = "", , axes = "", steps = ""] = node.input;
  const length = walk.dims(input)?.[axis] ?? 0;
  const wrap = (i: number, n: number) => (i < 0 ? i + n : i);
  if (node.opType === "Gather") {
    const taken = walk.resolved.constant(second);
    return walk.axis(node, 0) === axis
      ? taken && [...taken].map((i) => wrap(i, length))
      : undefined;
  }
  if (node.opType === "Split" && walk.axis(node, 0) === axis) {
    const earlier = node.output.slice(0, node.output.indexOf(name));
    const from = earlier.reduce((sum, other) => sum + (walk.dims(other)?.[axis] ?? 0), 0);
    return Array.from({ length: walk.dims(name)?.[axis] ?? 0 }, (_, i) => from + i);
  }
  if (node.opType !== "Slice") {
    return undefined;
  }
  const rank = walk.dims(input)?.length ?? 0;
  const starts = [...(walk.resolved.constant(second) ?? [])];
  const on = [...(walk.resolved.constant(axes) ?? starts.keys())].map((a) => wrap(a, rank));
  const place = on.indexOf(axis);
  const count = walk.dims(name)?.[axis] ?? 0;
  const step = [...(walk.resolved.constant(steps) ?? [])][place] ?? 1;
  const first = Math.max(0, Math.min(length - 1, wrap(starts[place] ?? 0, length)));
  return place < 0 ? undefined : Array.from({ length: count }, (_, i) => first + i * step);
}
