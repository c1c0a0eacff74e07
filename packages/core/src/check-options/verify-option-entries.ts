import * as v from "valibot";
import { runOptionKeys } from "../run/run-options.ts";
import type { VerifyOptions } from "../workbench/model-handle.ts";

/**
 * Options of `verify`; their values are checked where they are used. Those of a run may be given as a whole, as
 * its result has them.
 */
export const verifyOptionEntries = {
  ...Object.fromEntries(runOptionKeys.map((key) => [key, v.optional(v.any())] as const)),
  original: v.optional(v.any()),
  targeted: v.optional(v.pipe(v.boolean(), v.description("whether labels are to be reached"))),
  iouThreshold: v.optional(v.any()),
  pixelAccuracyThreshold: v.optional(v.any()),
  iouDefinition: v.optional(v.any()),
} satisfies Record<keyof VerifyOptions, v.GenericSchema>;
