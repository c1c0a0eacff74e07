import type { ResolvedModel } from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import { countOf, type Size } from "../../image.ts";
import type { Decision } from "../decision.ts";
import type { Layout } from "../layout.ts";
import type { ModelOptions } from "../model-options.ts";
import { evidenceOf } from "./find-evidence.ts";
import type { GraphWalk } from "./graph-walk.ts";
import { fitLayout } from "./output-layout.ts";
import { findDecision } from "./output-walk.ts";
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
const auxiliary = /aux|deep|side|feature|hidden|embed|fgr/i;

/**
 * The output that segments: as told, or the finest that is an image; of equals the one with labels, then with
 * probabilities, then the one not named as auxiliary, then the first.
 *
 * @throws AsmaError `ERR_OUTPUT` when the one named is not there, none is an image, or they are instances
 */
export function chooseOutput(
  walk: GraphWalk,
  request: OutputRequest,
  decisions: Decision[],
): string {
  const { resolved } = walk;
  const { options } = request;
  const names = resolved.model.graph.output.map((output) => output.name);
  if (options.output !== undefined) {
    if (!resolved.types.has(options.output)) {
      throw new AsmaError(
        "ERR_OUTPUT",
        `The model has no output '${options.output}'. Its outputs are ${names.map((n) => `'${n}'`).join(", ")}: name one of them, or an inner value.`,
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
    const dims = walk.dims(name);
    const decision = findDecision(walk, name);
    const evidence = evidenceOf(walk, name);
    const fitting =
      dims &&
      fitLayout({
        ...request,
        dims,
        classAxis: evidence?.axis,
        isDecided: decision?.axis !== undefined,
        told: dims.length === options.outputLayout?.length ? options.outputLayout : undefined,
      });
    return fitting === undefined
      ? []
      : [
          {
            name,
            isFitting: Number(fitting.fit > 0),
            pixels: countOf(fitting.size),
            standing: decision ? 3 : evidence === undefined ? 0 : evidence.by === "Clip" ? 1 : 2,
            isAuxiliary: Number(auxiliary.test(name)),
          },
        ];
  });
  const [finest, second] = spatial.toSorted(
    (a, b) =>
      b.isFitting - a.isFitting ||
      b.pixels - a.pixels ||
      b.standing - a.standing ||
      a.isAuxiliary - b.isAuxiliary,
  );
  if (finest === undefined) {
    throw notSpatial(resolved, "none of its outputs is");
  }
  refuseInstances(walk, finest, request);
  const isTie = second?.pixels === finest.pixels && second.isFitting === finest.isFitting;
  const isEqual = isTie && second.standing === finest.standing;
  const isFirst = isEqual && second.isAuxiliary === finest.isAuxiliary;
  const reason = !isTie
    ? ""
    : !isEqual
      ? ` that ${finest.standing === 3 ? "holds labels" : "holds probabilities"}`
      : isFirst
        ? ""
        : " that is not named as auxiliary";
  decisions.push({
    what: "output",
    is: `'${finest.name}'`,
    because:
      names.length === 1
        ? "the only one"
        : spatial.length === 1
          ? "the only one that is an image"
          : `the ${isFirst ? "first of the finest" : "finest"} of ${spatial.length} spatial outputs${reason}`,
    options: ["output"],
    ...(isFirst && { isUnsure: true }),
  });
  return finest.name;
}

/** @throws AsmaError `ERR_OUTPUT` for the prototypes of masks, which boxes of another output are weighted with */
function refuseInstances(
  { resolved }: GraphWalk,
  { name, standing }: { readonly name: string; readonly standing: number },
  { inputSize }: OutputRequest,
): void {
  const [, count = 0, height = 0] = resolved.types.get(name)?.dims ?? [];
  const hasBoxes = resolved.model.graph.output.some((output) => {
    const dims = resolved.types.get(output.name)?.dims ?? [];
    return dims.length === 3 && Math.min(...dims.slice(1)) > count + 4;
  });
  const isToldSo = resolved.model.metadata.get("task") === "segment";
  if (standing === 0 && (isToldSo || (hasBoxes && count === 32 && height * 4 === inputSize[0]))) {
    throw new AsmaError(
      "ERR_OUTPUT",
      `Expected scores of classes for pixels but found instance segmentation: '${name}' holds prototypes of masks, which another output weights. Take a semantic segmentation model, or name an output with ${option("output")}: ${describeOutputs(resolved)}.`,
    );
  }
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
