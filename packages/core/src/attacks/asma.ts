import type { Value } from "@onnx-asma/autodiff";
import * as v from "valibot";
import { defineAttack } from "../attack/attack-definition.ts";
import { defineRecipe } from "../attack/recipe.ts";
import type { StepContext } from "../attack/step-context.ts";
import { AsmaError } from "../errors.ts";
import { targetScores } from "../loss/target-scores.ts";
import { automaticStep, dynamicMultiplier } from "../schedule/dynamic-multiplier.ts";

const stepSize = (description: string) =>
  v.optional(v.pipe(v.number(), v.gtValue(0), v.finite(), v.description(description)));

/**
 * The Adaptive Segmentation Mask Attack and its ablations. With g the scores, ŷ their argmax and Y the
 * target:
 *
 *     L       = Σ_c Σ_i 1[Y_i = c]·1[ŷ_i(x_n) ≠ c]·g(x_n)_{c,i} − λ‖x_n − x_0‖²   (ASM; SSM without 1[ŷ_i ≠ c])
 *     α_n     = β·IoU(Y, ŷ(x_n)) + τ                                              (DPM; without it α is constant)
 *     x_{n+1} = clip(x_n + α_n ∇L, 0, 1)
 *
 * Without step sizes, β and τ (or α) are found from the first gradient, keep the paper's ratio, and grow
 * while no iterate comes closer. The flavours follow others' bookkeeping: `reference` the authors' code
 * (IoU measured on the iterate before clipping, α_0 = τ, last iterate), `adv_lib` adversarial-library
 * (IoU over all classes, first step τ).
 *
 * @see Ozbulak, Van Messem, De Neve 2019, arXiv 1907.13124, equations 2 (loss) and 4 (multiplier)
 */
export const asma = defineAttack({
  name: "asma",
  title: "ASMA",
  summary:
    "Raises the target's scores where they are not the largest yet, in steps that grow with the IoU.",
  paper: "Ozbulak, Van Messem, De Neve 2019, arXiv 1907.13124, equations 2 and 4",
  options: {
    variant: v.optional(
      v.pipe(
        v.picklist(["asma", "asm", "ssm", "ssm+dpm"]),
        v.description(
          "loss over wrong pixels (asm) or all (ssm), with growing step (asma, ssm+dpm) or constant",
        ),
      ),
      "asma",
    ),
    flavour: v.optional(
      v.pipe(
        v.picklist(["default", "reference", "adv_lib"]),
        v.description("whose bookkeeping: ours, the authors' code, adversarial-library"),
      ),
      "default",
    ),
    beta: stepSize("β of the step size β·IoU + τ (default: automatic)"),
    tau: stepSize("τ of the step size (default: automatic)"),
    alpha: stepSize("constant step size of asm and ssm (default: automatic)"),
    lambda: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.finite(),
        v.description("weight λ of the distance loss (default: 0; 1 in the other flavours)"),
      ),
    ),
    lossClasses: v.optional(
      v.pipe(
        v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
        v.minLength(1),
        v.metadata({ areClasses: true }),
        v.description(
          "classes whose target pixels enter the loss; IoU stays over all (default: all)",
        ),
      ),
    ),
  },
  graph: ["variant", "flavour", "lossClasses"],
  keeps: (o) => (o.flavour === "reference" ? "last" : "closest"),
  norm: () => "l2",
  presets: (o) => presets[o.flavour],
  effective: (o) => {
    checkStepSizes(o);
    return { ...o, lambda: o.lambda ?? (o.flavour === "default" ? 0 : 1) };
  },
  check: (o, { classes }) => {
    if (o.flavour === "reference" && classes !== 2) {
      throw new AsmaError(
        "ERR_FLAVOUR",
        `The authors' code measures IoU right for two classes only, but this model has ${classes}: use the default flavour.`,
      );
    }
    const outside = o.lossClasses?.find((c) => c >= classes);
    if (outside !== undefined) {
      throw new AsmaError(
        "ERR_OPTION",
        `Expected classes from 0 to ${classes - 1} for \`lossClasses\` but found ${outside}: leave out what the model lacks.`,
        { details: { option: "lossClasses" } },
      );
    }
  },
  recipe: (o) => {
    const isDynamic = hasMultiplier(o);
    return defineRecipe({
      state: { scale: { like: "number" } },
      numbers: ["beta", "tau", "lambda", "growth", "isAutomatic"],
      step: (c) => {
        const { add, sub, mul, equal, where } = c.ops;
        const mask = o.variant.startsWith("ssm") ? c.counted : c.wrong;
        const loss = targetScores(c, ofClasses(c, mask, o.lossClasses));
        const gradient = c.gradientOf(loss);
        const scale = where(c.isFirst, automaticStep(c.ops, gradient), c.state.scale);
        const unit = mul(where(equal(c.n.isAutomatic, 1), scale, 1), c.n.growth);
        const [beta, tau] = [mul(c.n.beta, unit), mul(c.n.tau, unit)];
        const alpha = add(mul(beta, c.measured.iou), tau);
        const pull = mul(sub(c.x, c.x0), mul(c.n.lambda, 2));
        const u = add(c.x, mul(sub(gradient, pull), alpha));
        const seenPerturbation = sub(c.seen, c.x0);
        return {
          x: c.box(u),
          loss,
          penalty: mul(c.ops.sum(mul(seenPerturbation, seenPerturbation)), c.n.lambda),
          state: { scale },
          logs: { alpha, ...(isDynamic && { beta, tau }) },
          ...(o.flavour === "reference" && { measure: u }),
        };
      },
      schedule: () => dynamicMultiplier({ ...o, isDynamic }),
    });
  },
});

const presets = {
  default: {},
  reference: { earlyStop: false, iouDefinition: "foreground", levels: "float" },
  adv_lib: { earlyStop: false, iouDefinition: "mean-all", levels: "float" },
} as const;

/** Whether the variant has the dynamic multiplier (DPM). */
function hasMultiplier({ variant }: { readonly variant: string }): boolean {
  return variant === "asma" || variant === "ssm+dpm";
}

/** [N, 1, …grid]: the mask on pixels whose label is among the classes. */
function ofClasses(
  { b, ops, targetOneHot }: StepContext,
  mask: Value,
  classes: readonly number[] | undefined,
): Value {
  if (classes === undefined) {
    return mask;
  }
  const all = targetOneHot.dims[1] as number;
  const chosen = Array.from({ length: all }, (_, c) => (classes.includes(c) ? 1 : 0));
  const dims = targetOneHot.dims.map((_, axis) => (axis === 1 ? all : 1));
  const isChosen = ops.mul(targetOneHot, b.constant("float32", dims, chosen));
  return ops.mul(mask, b.reduce("ReduceSum", isChosen, [1]));
}

/** @throws AsmaError `ERR_STEP_SIZE` for β without τ and for step sizes of another variant */
function checkStepSizes(o: {
  readonly variant: string;
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
  readonly tau?: number | undefined;
}): void {
  const isDynamic = hasMultiplier(o);
  if (isDynamic ? o.alpha !== undefined : o.beta !== undefined || o.tau !== undefined) {
    throw new AsmaError(
      "ERR_STEP_SIZE",
      isDynamic
        ? "`alpha` is the constant step size of attacks without the dynamic multiplier: give `beta` and `tau` instead."
        : "`beta` and `tau` belong to the dynamic multiplier: give `alpha` for a constant step size.",
    );
  }
  if ((o.beta === undefined) !== (o.tau === undefined)) {
    throw new AsmaError(
      "ERR_STEP_SIZE",
      "`beta` and `tau` belong together: give both, or neither for an automatic step size.",
    );
  }
}
