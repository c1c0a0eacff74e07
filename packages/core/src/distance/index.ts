import { l2 } from "./l2.ts";
import { linf } from "./linf.ts";

/** The distances by name. */
export const distances = { linf, l2 } as const;

/** One of {@link distances}. */
export type DistanceName = keyof typeof distances;
