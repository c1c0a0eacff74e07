import type { ResolvedModel } from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import { countOf, type Size } from "../../image.ts";
import type { Decision } from "../decision.ts";
import type { Layout } from "../layout.ts";
import type { ModelOptions } from "../model-options.ts";
import { fitLayout } from "./output-layout.ts";
import { option } from "../option.ts";

/** What the meaning of an output is decided from. */
export interface OutputRequest {
  readonly options: ModelOptions;
  readonly inputLayout: Layout;
  /** Size of the model's input. */
  readonly inputSize: Size;
  readonly batch: number;
  /** Names of the classes, from the options or the model. */
  readonly classNames: readonly string[] | undefined;
}

/** Names of heads that only help in training; they lose a tie. */
const auxiliary = /aux|deep|side|feature|hidden|embed/i;

/**
 * The output that segments: as told, or the finest that is an image; of equals the one not named as
 * auxiliary, then the first.
 *
 * @throws AsmaError `ERR_OUTPUT` when the one named is not there, or none is an image
 */
export function chooseOutput(
  resolved: ResolvedModel,
  request: OutputRequest,
  decisions: Decision[],
): string {
  const { options } = request;
  const names = resolved.model.graph.output.map((output) => output.name);
  if (options.output !== undefined) {
    if (!resolved.types.has(options.output)) {
      throw new AsmaError(
        "ERR_OUTPUT",
        `The model has no output '${options.output}'. Its outputs are ${names.map((n) => `'${n}'`).join(", ")}.`,
      );
    }
    decisions.push({
      what: "output",
      is: `'${options.output}'`,
      because: "as told",
      options: ["output"],
    });
    return options.output;
  }
  const spatial = names.flatMap((name) => {
    const dims = resolved.types.get(name)?.dims;
    const fitting = dims && fitLayout({ ...request, dims });
    return fitting === undefined
      ? []
      : [
          {
            name,
            isFitting: Number(fitting.fit > 0),
            pixels: countOf(fitting.size),
            isAuxiliary: Number(auxiliary.test(name)),
          },
        ];
  });
  const [finest, second] = spatial.toSorted(
    (a, b) => b.isFitting - a.isFitting || b.pixels - a.pixels || a.isAuxiliary - b.isAuxiliary,
  );
  if (finest === undefined) {
    throw notSpatial(resolved, "none of its outputs is");
  }
  const isTie = second?.pixels === finest.pixels && second.isFitting === finest.isFitting;
  const among = `the ${isTie && second.isAuxiliary === finest.isAuxiliary ? "first of the finest" : "finest"} of ${spatial.length} spatial outputs${isTie && second.isAuxiliary > finest.isAuxiliary ? " that is not named as auxiliary" : ""}`;
  decisions.push({
    what: "output",
    is: `'${finest.name}'`,
    because:
      names.length === 1
        ? "the only one"
        : spatial.length === 1
          ? "the only one that is an image"
          : among,
    options: ["output"],
  });
  return finest.name;
}

/** All outputs with dtype and dims. */
export function describeOutputs(resolved: ResolvedModel): string {
  return resolved.model.graph.output
    .map(({ name }) => {
      const type = resolved.types.get(name);
      return `'${name}' ${type?.dtype ?? "?"}[${type?.dims.join(", ") ?? "?"}]`;
    })
    .join(", ");
}

/** The error for an output that is no image of classes. */
export function notSpatial(resolved: ResolvedModel, found: string): AsmaError {
  return new AsmaError(
    "ERR_OUTPUT",
    `Expected an output that gives classes for pixels (batch, classes, height, width) but ${found}: the model's outputs are ${describeOutputs(resolved)}. Name an output or inner value with ${option("output")} and the order of its axes with ${option("outputLayout")}. This may be a classifier; attacks here need a segmentation model.`,
  );
}
