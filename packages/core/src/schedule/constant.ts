import type { Schedule } from "../attack/recipe.ts";

/** The same numbers at every step. */
export function constant<N extends string>(numbers: Readonly<Record<N, number>>): Schedule<N> {
  return { next: () => numbers };
}
