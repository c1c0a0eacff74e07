import { isFloat, type ResolvedModel, type TensorType } from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import type { Size } from "../../image.ts";
import { chooseClass } from "./choose-class.ts";
import { describeOutputs, notSpatial, type OutputRequest } from "./choose-output.ts";
import { decodingOf, signOf } from "./decoding.ts";
import type { Decision } from "../decision.ts";
import { GraphWalk } from "./graph-walk.ts";
import { fitLayout } from "./output-layout.ts";
import { findDecision, type GraphDecision } from "./output-walk.ts";
import { probabilityEvidence, walkToScores, type ScoreWalk } from "./score-walk.ts";
import { option } from "../option.ts";
import type { HeadOnOutputGrid } from "./output-head.ts";

/** The head of an output whose pixels hold scores or labels themselves. */
export function findPixelHead(
  resolved: ResolvedModel,
  output: string,
  request: OutputRequest,
  decisions: Decision[],
): HeadOnOutputGrid {
  const told = request.options.outputKind ?? "auto";
  const walk = new GraphWalk(resolved, request.batch);
  const type = resolved.types.get(output) as TensorType;
  const decision = findDecision(walk, output);
  const quantized = isFloat(type.dtype) ? undefined : walk.quantization(output);
  if (decision === undefined && !isFloat(type.dtype) && quantized === undefined) {
    throw new AsmaError(
      "ERR_OUTPUT",
      `Output '${output}' is a ${type.dtype} label map, and no float scores were found before it. Name a float output or inner value with ${option("output")}, or export the model without its last step: ${describeOutputs(resolved)}.`,
    );
  }
  const scored = findScores(walk, output, decision, request);
  const scoreType = resolved.types.get(scored.scores) as TensorType;
  const fitting = fitLayout({
    ...request,
    dims: scoreType.dims,
    classAxis: scored.axis,
    told: request.options.outputLayout,
  });
  if (fitting === undefined) {
    const asked = request.options.outputLayout;
    throw notSpatial(
      resolved,
      `'${scored.scores}' before output '${output}' has dims [${scoreType.dims.join(", ")}]${asked === undefined ? "" : `, which cannot be ${asked}`}`,
    );
  }
  const { channels, layout } = fitting;
  const evidence = probabilityEvidence(walk, scored.scores);
  const chosen = chooseClass(
    {
      channels,
      told,
      excludes:
        decision?.kind === "argmax" || decision?.kind === "one-hot"
          ? decision.kind
          : scored.through.find((op) => op.endsWith("oftmax")),
      independent:
        decision?.kind === "threshold"
          ? "each is compared with a border"
          : [...scored.through, evidence].some((op) => op?.endsWith("Sigmoid"))
            ? "each has a sigmoid of its own"
            : undefined,
      class: request.options.class,
      names: request.classNames,
    },
    decisions,
  );
  const isBinary = chosen !== undefined;
  checkBorder(output, decision, isBinary, request.options.border);
  const border = isBinary ? borderOf(told, scored, decision, evidence) : 0;
  const sign = isBinary ? signOf(decision) : 1;
  const enlarge = decision?.enlarge;
  const outputSize =
    (enlarge?.map((indices) => indices.length) as unknown as Size | undefined) ?? fitting.size;
  const decoding = decodingOf(resolved, output, request, {
    decision,
    scored,
    channels,
    layout,
    channel: chosen,
    border,
    quantized,
    outputSize,
  });
  decisions.push({
    what: "scores",
    is: isBinary
      ? `'${scored.scores}', ${channels === 1 ? "one channel" : `channel ${chosen} of ${channels}`}, class 1 ${sign === 1 ? "above" : "below"} ${Number(border.toPrecision(4))}`
      : `'${scored.scores}', ${channels} classes, the largest wins`,
    because:
      told !== "auto"
        ? "as told"
        : reasonOf(decision, scored, evidence, isBinary, quantized !== undefined),
    options: isBinary ? ["outputKind", "border"] : ["outputKind"],
  });
  if (layout !== request.inputLayout) {
    decisions.push({
      what: "output layout",
      is: layout,
      because:
        request.options.outputLayout !== undefined
          ? "as told"
          : scored.axis === undefined
            ? "its size fits the input's best"
            : "from the axis of the classes",
      options: ["outputLayout"],
    });
  }
  return {
    output,
    decoding,
    scores: scored.scores,
    layout,
    channels,
    channel: chosen,
    border,
    sign,
    queries: undefined,
    enlarge,
    classes: isBinary ? 2 : channels,
    outputSize,
  };
}

/** The scores behind decision and activations; on the image's grid what the model gives itself. */
function findScores(
  walk: GraphWalk,
  output: string,
  decision: GraphDecision | undefined,
  request: OutputRequest,
): ScoreWalk {
  if (request.options.grid === "image") {
    if (decision !== undefined) {
      throw new AsmaError(
        "ERR_OUTPUT",
        `Labels on the image's grid need scores that can be resized, but output '${output}' holds labels (${decision.through.join(", ")} of '${decision.scores}'): name the scores with ${option("output", decision.scores)}, or leave out ${option("grid", "image")}.`,
      );
    }
    return {
      scores: output,
      axis: axisOfSoftmax(walk, output),
      border: request.options.border,
      through: [],
    };
  }
  const isThreshold = decision?.kind === "threshold";
  return walkToScores(walk, {
    name: decision?.scores ?? output,
    axis: decision?.axis,
    border: isThreshold ? decision.border : request.options.border,
    isArgmax: decision !== undefined && !isThreshold,
    isImage: (dims, classAxis) =>
      fitLayout({ ...request, dims, classAxis, told: request.options.outputLayout }) !== undefined,
  });
}

/** @throws AsmaError `ERR_OUTPUT` for a border where there is nothing to compare with it */
function checkBorder(
  output: string,
  decision: GraphDecision | undefined,
  isBinary: boolean,
  border: number | undefined,
): void {
  if (border === undefined || (isBinary && decision === undefined)) {
    return;
  }
  const found =
    decision === undefined
      ? "has several classes, of which the largest wins"
      : `holds labels that the model decides on itself (${decision.through.join(", ")})`;
  throw new AsmaError(
    "ERR_OUTPUT",
    `A border of ${border} is for one channel of numbers, but output '${output}' ${found}: leave ${option("border")} out, or say otherwise with ${option("output")} or ${option("outputKind")}.`,
  );
}

function axisOfSoftmax(walk: GraphWalk, output: string): number | undefined {
  const node = walk.producer(output);
  return node?.opType.endsWith("oftmax") === true ? walk.axis(node, -1) : undefined;
}

function borderOf(
  told: NonNullable<OutputRequest["options"]["outputKind"]>,
  scored: ScoreWalk,
  decision: GraphDecision | undefined,
  evidence: string | undefined,
): number {
  const known = scored.border ?? (decision?.kind === "threshold" ? decision.border : undefined);
  if (known !== undefined || scored.through.length > 0) {
    return known ?? 0;
  }
  return told === "probability" || (told === "auto" && evidence !== undefined) ? 0.5 : 0;
}

function reasonOf(
  decision: GraphDecision | undefined,
  scored: ScoreWalk,
  evidence: string | undefined,
  isBinary: boolean,
  isQuantized: boolean,
): string {
  const through = [...scored.through, ...(decision?.through ?? [])];
  if (through.length > 0) {
    return `what stands before ${through.join(", ")} at the end`;
  }
  if (evidence !== undefined && isBinary) {
    return `the output itself, probabilities of ${evidence}`;
  }
  return `the output itself, ${isQuantized ? "quantized scores" : "taken as scores"}`;
}
