import { oddsOf, readActivation } from "./activation.ts";
import { middleOf } from "./evidence.ts";
import { evidenceOf } from "./find-evidence.ts";
import { axisThrough, GraphWalk, movers, type GraphNode } from "./graph-walk.ts";

/** The float tensor behind an output's last activation. */
export interface ScoreWalk {
  readonly scores: string;
  /** Axis of the classes, where a softmax or argmax tells it. */
  readonly axis: number | undefined;
  /** The border on `scores`, of one on the value the walk started from. */
  readonly border: number | undefined;
  /** Activations passed, from the scores on. */
  readonly through: readonly string[];
}

/** Where a walk starts, and what is known there. */
export interface ScoreWalkStart {
  readonly name: string;
  readonly axis?: number | undefined;
  /** Where labels change, if the graph compares with a number. */
  readonly border?: number | undefined;
  /** Whether the largest of several wins, so that only their order counts. */
  readonly isArgmax: boolean;
  /** Whether a value can be the scores: whether it has the dims of an image of classes. */
  readonly isImage: (dims: readonly number[], axis: number | undefined) => boolean;
}

/**
 * Walks back over softmax and sigmoid to what stands before them: there gradients do not vanish where
 * the model is sure, and the order of classes is the same.
 */
export function walkToScores(walk: GraphWalk, start: ScoreWalkStart): ScoreWalk {
  let found: ScoreWalk = {
    scores: start.name,
    axis: start.axis,
    border: start.border,
    through: [],
  };
  let { name, axis } = start;
  const evidence = start.isArgmax ? undefined : evidenceOf(walk, name);
  // A channel that stands for itself changes its label here, and nowhere else on the way back.
  let border = start.border ?? (evidence && middleOf(evidence));
  // Whether only the order of the numbers counts.
  let isOrder = start.isArgmax;
  const isQuantized = !walk.isFloat(name);
  for (let node = walk.producer(name); node !== undefined; node = walk.producer(name)) {
    const [input = ""] = node.input;
    if (walk.dims(input) === undefined) {
      break;
    }
    if (node.opType === "QuantizeLinear" || node.opType === "DequantizeLinear") {
      if (isQuantized && node.opType === "QuantizeLinear" && found.through.length === 0) {
        // The labels follow from these numbers, ties included; the attack dequantizes them.
        found = { ...found, scores: name, axis };
      }
      name = input;
      continue;
    }
    const isWhole = !walk.isFloat(input);
    if (isWhole && (node.opType === "Cast" || !movers.has(node.opType))) {
      break;
    }
    if (movers.has(node.opType)) {
      const before = axisThrough(walk, node, axis, true);
      if (axis !== undefined && before === undefined) {
        break;
      }
      if (!isWhole && !walk.isFloat(name)) {
        border = cutBorder(walk, name, border, 1);
      }
      [name, axis] = [input, before];
      continue;
    }
    const monotone = passMonotone(walk, node, name, border);
    if (monotone !== undefined) {
      const isTaken = node.opType === "Log" || monotone.isOdds === true;
      const isLost = border === undefined ? isTaken && !isOrder : !Number.isFinite(monotone.border);
      if (isLost) {
        break;
      }
      ({ name, border } = monotone);
      if (isTaken) {
        found = { scores: name, axis, border, through: [node.opType, ...found.through] };
      }
      continue;
    }
    const activation = readActivation(walk, node);
    // Flat at its ends: where the largest of several wins, ties there would be broken by its input.
    const isFlat = activation?.by === "HardSigmoid" && start.isArgmax;
    const isOther =
      axis !== undefined && activation?.axis !== undefined && axis !== activation.axis;
    if (activation === undefined || isFlat || isOther) {
      break;
    }
    const own = activation.axis ?? axis;
    const isSoftmax = activation.axis !== undefined;
    // The largest of several wins, unless a border was told.
    const before =
      border === undefined || (isSoftmax && start.border === undefined)
        ? undefined
        : activation.before(border);
    if (
      (border === undefined && !isSoftmax && !isOrder) ||
      !(before === undefined || Number.isFinite(before)) ||
      !start.isImage(walk.dims(activation.input) ?? [], own)
    ) {
      break;
    }
    isOrder ||= isSoftmax && start.border === undefined;
    [name, axis, border] = [activation.input, own, before];
    found = { scores: name, axis, border, through: [activation.by, ...found.through] };
  }
  return found;
}

/** Steps back over what changes numbers but not their order. */
function passMonotone(
  walk: GraphWalk,
  node: GraphNode,
  name: string,
  border: number | undefined,
):
  | { readonly name: string; readonly border: number | undefined; readonly isOdds?: boolean }
  | undefined {
  const [first = "", second = ""] = node.input;
  const to = (input: string, before: (y: number) => number) => ({
    name: input,
    border: border === undefined ? undefined : before(border),
  });
  const [left, right] = [walk.scalar(first), walk.scalar(second)];
  const input = right === undefined ? second : first;
  const constant = right ?? left ?? 0;
  switch (node.opType) {
    case "Round":
    case "Floor":
      return {
        name: first,
        border: cutBorder(walk, name, border, node.opType === "Round" ? 0.5 : 1),
      };
    case "Log":
    case "Exp":
      return evidenceOf(walk, name) && to(first, node.opType === "Log" ? Math.exp : Math.log);
    case "Add":
      return (right ?? left) === undefined ? undefined : to(input, (y) => y - constant);
    case "Sub":
      return right === undefined ? undefined : to(input, (y) => y + constant);
    case "Mul":
      return constant > 0 ? to(input, (y) => y / constant) : undefined;
    case "Div":
      if (evidenceOf(walk, name)?.isOdds === true && oddsOf(walk, node) !== undefined) {
        return { ...to(first, (y) => y / (1 + y)), isOdds: true };
      }
      return right !== undefined && right > 0 ? to(input, (y) => y * right) : undefined;
    default:
      return undefined;
  }
}

/** The border before numbers are cut (`to` 1) or rounded (0.5) to whole ones. */
function cutBorder(
  walk: GraphWalk,
  name: string,
  border: number | undefined,
  to: number,
): number | undefined {
  const evidence = border === undefined ? evidenceOf(walk, name) : undefined;
  const at = border ?? (evidence && middleOf(evidence));
  return at === undefined ? undefined : Math.floor(at) + to;
}
