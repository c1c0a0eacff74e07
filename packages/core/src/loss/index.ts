import { crossEntropy } from "./cross-entropy.ts";
import { margin } from "./margin.ts";

/** Losses that attacks offer by name. */
export const losses = { "cross-entropy": crossEntropy, margin } as const;

/** One of {@link losses}. */
export type LossName = keyof typeof losses;
