import { movers, type GraphWalk } from "./graph-walk.ts";
import { readDecision, type LabelDecision } from "./read-decision.ts";
import { readValueStep, type Values, type ValueStep } from "./value-step.ts";

/** Where the graph itself decides on labels, and what it makes of them. */
export interface GraphDecision extends LabelDecision {
  /** The output's values at a pixel of a label. */
  readonly values: (label: number) => readonly number[];
  /** For each axis of more than one entry, but the batch, the label that each pixel is taken from. */
  readonly enlarge: readonly (readonly number[])[] | undefined;
  /** Operators passed, from the scores to the output. */
  readonly through: readonly string[];
}

/**
 * Walks back from an output over everything that only rewrites labels (conversions, palettes, factors,
 * nearest resizing, slicing) to the operator that decides on them; `undefined` when there is none.
 */
export function findDecision(walk: GraphWalk, output: string): GraphDecision | undefined {
  const maps: ValueStep["map"][] = [];
  const through: string[] = [];
  let enlarge: GraphDecision["enlarge"];
  let name = output;
  for (let node = walk.producer(name); node !== undefined; node = walk.producer(name)) {
    const decision = readDecision(walk, node, name);
    if (decision !== undefined) {
      return {
        ...decision,
        values: (label) => maps.reduce<Values>((values, map) => map(values), [label]),
        enlarge,
        through: [node.opType, ...through],
      };
    }
    const step = readValueStep(walk, node);
    if (step === undefined) {
      return undefined;
    }
    maps.unshift(step.map);
    enlarge = compose(enlarge, step.enlarge);
    if (!movers.has(node.opType)) {
      through.unshift(node.opType);
    }
    name = step.input;
  }
  return undefined;
}

/** Where each pixel comes from after two steps, the later one first. */
function compose(
  outer: GraphDecision["enlarge"],
  inner: GraphDecision["enlarge"],
): GraphDecision["enlarge"] {
  return outer === undefined || inner === undefined
    ? (outer ?? inner)
    : outer.map((indices, axis) => indices.map((i) => inner[axis]?.[i] ?? 0));
}
