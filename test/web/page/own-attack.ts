import { defineAttack, defineRecipe } from "@onnx-asma/web/worker";
import * as v from "valibot";

/** An attack that nobody but the tests knows: one level along the sign of the gradient, or none. */
export const ownAttack = defineAttack({
  name: "own-signs",
  title: "Own signs",
  summary: "Steps along the sign of the gradient.",
  paper: "none",
  options: {
    length: v.optional(
      v.pipe(v.number(), v.gtValue(0), v.description("length of a step")),
      1 / 255,
    ),
    fails: v.optional(
      v.pipe(
        v.picklist(["never", "while it is built", "at step 3"]),
        v.description("when it fails"),
      ),
      "never",
    ),
  },
  graph: ["fails"],
  keeps: () => "closest",
  norm: () => "linf",
  recipe: ({ length, fails }) => {
    if (fails === "while it is built") {
      throw new TypeError("a fault of the attack's own");
    }
    return defineRecipe({
      state: {},
      numbers: ["length"],
      step: (c) => {
        const loss = [{ value: c.scores, weight: c.targetOneHot }];
        const u = c.ops.add(c.x, c.ops.mul(c.ops.sign(c.gradientOf(loss)), c.n.length));
        return { x: c.box(u), loss, logs: { length: c.n.length } };
      },
      schedule: () => ({
        next: (n) => {
          if (fails === "at step 3" && n === 3) {
            throw new TypeError("a fault of the schedule's own");
          }
          return { length };
        },
      }),
    });
  },
});
