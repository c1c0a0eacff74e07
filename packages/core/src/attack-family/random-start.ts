import * as v from "valibot";

/** Where attacks within a budget begin. */
export const randomStart = v.optional(
  v.pipe(v.boolean(), v.description("begin at a random point of the ball")),
  false,
);
