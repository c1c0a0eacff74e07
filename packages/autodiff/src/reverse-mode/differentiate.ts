import { AutodiffError } from "../errors.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Target } from "../graph/target.ts";
import type { ResolvedModel } from "../graph/resolved-model.ts";
import type { Value } from "../graph/value.ts";
import { isFloat } from "../model/data-type.ts";
import type { GradientRule } from "../rules/gradient-rule.ts";
import { vectorJacobianProduct } from "./vector-jacobian-product.ts";

/** Options of {@link differentiate}. */
export interface DifferentiateOptions {
  /** Values to differentiate with respect to. @default the model's first float input */
  readonly inputs?: readonly string[];
  /** Values to differentiate. @default the model's first float output */
  readonly outputs?: readonly string[];
  /** Where the graph will run; the numbers are the same. @default "any" */
  readonly target?: Target;
  /** Rules of your own, of any domain; they go before the built-in ones. */
  readonly rules?: readonly GradientRule[];
}

/**
 * The training graph of a model: its inputs and `<output>_grad` (the upstream gradient) in, its
 * outputs and `<input>_grad` out, in standard operators of the model's own opset.
 *
 * @throws AutodiffError `ERR_UNKNOWN_VALUE` for names that the model lacks, `ERR_NO_GRADIENT` when no
 *   path leads from input to output; UnsupportedOperatorError with all operators without a rule
 */
export function differentiate(
  resolved: ResolvedModel,
  options: DifferentiateOptions = {},
): ResolvedModel {
  const b = new GraphBuilder(resolved, options.target);
  const inputs = unique(options.inputs ?? [firstFloat(b, b.graph.input, "input")], b);
  const outputs = unique(options.outputs ?? [firstFloat(b, b.graph.output, "output")], b);
  const seeded = outputs.map((value) => ({
    value,
    upstream: b.input(`${value.name}_grad`, value),
  }));
  const gradients = vectorJacobianProduct(b, seeded, inputs, { rules: options.rules });
  const declared = new Set(b.graph.output.map((output) => output.name));
  for (const { value } of seeded) {
    if (!declared.has(value.name)) {
      b.output(value);
    }
  }
  gradients.forEach((gradient, i) => {
    const input = inputs[i] as (typeof inputs)[number];
    if (gradient === undefined) {
      throw new AutodiffError(
        "ERR_NO_GRADIENT",
        `No gradient flows from output ${outputs.map((o) => `'${o.name}'`).join(", ")} to '${input.name}': no path leads there, or every path passes an operator with zero gradient (ArgMax, Round, comparisons). Choose an output before it.`,
      );
    }
    b.output(gradient, `${input.name}_grad`);
  });
  return b.build();
}

/** The values of these names, each once. */
function unique(names: readonly string[], b: GraphBuilder): Value[] {
  return [...new Set(names)].map((name) => named(b, name));
}

function named(b: GraphBuilder, name: string): Value {
  if (!b.has(name)) {
    if (b.graph.node.some((node) => node.output.includes(name))) {
      throw unknownDims(b, `'${name}'`);
    }
    const known = [...b.graph.input, ...b.graph.output].map((v) => `'${v.name}'`).join(", ");
    throw new AutodiffError(
      "ERR_UNKNOWN_VALUE",
      `The model has no value '${name}' of known dims that an output needs. Its inputs and outputs are ${known}: name one of those, or a value between them.`,
    );
  }
  return b.value(name);
}

/** Says which node is the first whose dims the runtime could not tell. */
function unknownDims(b: GraphBuilder, what: string): AutodiffError {
  const origin = b.graph.node.find((node) => node.output.some((name) => name && !b.has(name)));
  const where = origin && ` from ${origin.opType} node '${origin.name}' on`;
  return new AutodiffError(
    "ERR_UNKNOWN_TYPE",
    `The dims of ${what} depend on the image and are not known beforehand${where ?? ""}: differentiate a value before it.`,
    { details: { node: origin?.name, opType: origin?.opType } },
  );
}

function firstFloat(b: GraphBuilder, values: readonly { name: string }[], what: string): string {
  const found = values.find(({ name }) => b.has(name) && isFloat(b.value(name).dtype));
  const unknown = values.find(({ name }) => !b.has(name));
  if (found === undefined && unknown !== undefined) {
    throw unknownDims(b, `${what} '${unknown.name}'`);
  }
  if (found === undefined) {
    const names = values.map(({ name }) => `'${name}'`).join(", ");
    throw new AutodiffError(
      "ERR_UNKNOWN_VALUE",
      `Expected a float ${what} to differentiate but found ${names}: name a float value.`,
    );
  }
  return found.name;
}
