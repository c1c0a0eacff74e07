import { elementwise } from "./elementwise.ts";
import { layout } from "./layout.ts";
import { networks } from "./networks.ts";
import type { RandomOperator } from "./random-operator.ts";
import { reductions } from "./reductions.ts";
import { sidePaths } from "./side-paths.ts";

/** By name, so that a failure can be read. */
export const randomOperators: Readonly<Record<string, RandomOperator>> = {
  ...elementwise,
  ...layout,
  ...reductions,
  ...networks,
  ...sidePaths,
};
