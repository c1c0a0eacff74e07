import * as v from "valibot";
import type { VerifyOptions } from "../workbench/model-handle.ts";

/** Options of `verify`; their values are checked where they are used. */
export const verifyOptionEntries = {
  original: v.optional(v.any()),
  targeted: v.optional(v.pipe(v.boolean(), v.description("whether labels are to be reached"))),
  iouThreshold: v.optional(v.any()),
  pixelAccuracyThreshold: v.optional(v.any()),
  iouDefinition: v.optional(v.any()),
} as const satisfies Record<keyof VerifyOptions, v.GenericSchema>;
