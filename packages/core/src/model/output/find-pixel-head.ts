import { isFloat, type TensorType } from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import type { Size } from "../../image.ts";
import { chooseClass } from "./choose-class.ts";
import { describeOutputs, notSpatial, type OutputRequest } from "./choose-output.ts";
import { decodingOf, signOf } from "./decoding.ts";
import type { Decision } from "../decision.ts";
import { middleOf, type Evidence } from "./evidence.ts";
import { evidenceOf } from "./find-evidence.ts";
import type { GraphWalk } from "./graph-walk.ts";
import { fitLayout } from "./output-layout.ts";
import { findDecision, type GraphDecision } from "./output-walk.ts";
import { walkToScores, type ScoreWalk } from "./score-walk.ts";
import { option } from "../option.ts";
import type { HeadOnOutputGrid } from "./output-head.ts";

/** The head of an output whose pixels hold scores or labels themselves. */
export function findPixelHead(
  walk: GraphWalk,
  output: string,
  request: OutputRequest,
  decisions: Decision[],
): HeadOnOutputGrid {
  const { resolved } = walk;
  const told = request.options.outputKind ?? "auto";
  const type = resolved.types.get(output) as TensorType;
  const decision = findDecision(walk, output);
  const quantized = isFloat(type.dtype) ? undefined : walk.quantization(output);
  const outputEvidence = evidenceOf(walk, output);
  if (!decision && !isFloat(type.dtype) && !quantized && !outputEvidence) {
    throw new AsmaError(
      "ERR_OUTPUT",
      `Output '${output}' is a ${type.dtype} label map, and no float scores were found before it. Name a float output or inner value with ${option("output")}, or export the model without its last step: ${describeOutputs(resolved)}.`,
    );
  }
  const scored = findScores(walk, output, decision, request);
  const scoreType = resolved.types.get(scored.scores) as TensorType;
  const evidence = evidenceOf(walk, scored.scores);
  const fitting = fitLayout({
    ...request,
    dims: scoreType.dims,
    classAxis: scored.axis ?? evidence?.axis,
    isDecided: decision !== undefined,
    told: request.options.outputLayout,
  });
  const isInRow = fitting?.layout.length !== scoreType.dims.length;
  if (fitting === undefined || (isInRow && decision?.enlarge !== undefined)) {
    const asked = request.options.outputLayout;
    throw notSpatial(
      resolved,
      `'${scored.scores}' before output '${output}' has dims [${scoreType.dims.join(", ")}]${asked === undefined ? "" : `, which cannot be ${asked}`}`,
    );
  }
  const { channels, layout } = fitting;
  const excludes =
    decision?.kind === "argmax" || decision?.kind === "one-hot"
      ? decision.kind
      : (scored.through.find((op) => op.endsWith("oftmax")) ??
        (evidence?.axis === undefined ? undefined : evidence.by));
  const chosen = chooseClass(
    {
      channels,
      told,
      excludes,
      independent:
        decision?.kind === "threshold"
          ? "each is compared with a border"
          : scored.through.some((op) => op.endsWith("Sigmoid")) || isSigmoid(evidence)
            ? "each has a sigmoid of its own"
            : evidence?.picked?.axis === undefined && evidence?.picked?.entries.length === 1
              ? "each has a softmax of its own"
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
    middle: outputEvidence && middleOf(outputEvidence),
    quantized,
    outputSize,
  });
  const saturation =
    evidence === undefined ||
    evidence.isLog === true ||
    evidence.isOdds === true ||
    evidence.saturating.length === 0 ||
    (isBinary && !(border > evidence.low && border < evidence.high))
      ? undefined
      : { low: evidence.low, high: evidence.high, passed: evidence.saturating };
  const isKnown =
    told !== "auto" ||
    decision !== undefined ||
    (isBinary
      ? request.options.border !== undefined || outputEvidence !== undefined
      : excludes !== undefined || request.classNames?.length === channels);
  const passed = saturation?.passed.map(({ by }) => by).filter(Boolean);
  decisions.push({
    what: "scores",
    is: `'${scored.scores}', ${
      isBinary
        ? `${channels === 1 ? "one channel" : `channel ${chosen} of ${channels}`}, class 1 ${sign === 1 ? "above" : "below"} ${Number(border.toPrecision(4))}`
        : `${channels} classes, the largest wins`
    }${passed === undefined ? "" : `; gradients pass ${[...new Set(passed)].join(", ")} at a temperature that leaves a gradient`}`,
    because: isKnown
      ? told === "auto"
        ? reasonOf(decision, scored, evidence, quantized !== undefined)
        : "as told"
      : "a guess: nothing in the graph tells what its numbers are",
    options: isBinary ? ["outputKind", "border"] : ["outputKind"],
    ...(!isKnown && { isUnsure: true }),
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
    saturation,
    isUnsure: !isKnown,
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
      axis: evidenceOf(walk, output)?.axis,
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
      fitLayout({
        ...request,
        dims,
        classAxis,
        isDecided: decision !== undefined,
        told: request.options.outputLayout,
      }) !== undefined,
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

/** Whether nothing but a sigmoid made the numbers. */
function isSigmoid(evidence: Evidence | undefined): boolean {
  return (
    evidence?.by.endsWith("Sigmoid") === true &&
    evidence.saturating.every(({ by }) => by.endsWith("Sigmoid"))
  );
}

function borderOf(
  told: NonNullable<OutputRequest["options"]["outputKind"]>,
  scored: ScoreWalk,
  decision: GraphDecision | undefined,
  evidence: Evidence | undefined,
): number {
  const known = scored.border ?? (decision?.kind === "threshold" ? decision.border : undefined);
  if (known !== undefined || scored.through.length > 0) {
    return known ?? 0;
  }
  const middle = evidence && middleOf(evidence);
  return told === "probability" ? (middle ?? 0.5) : told === "auto" ? (middle ?? 0) : 0;
}

function reasonOf(
  decision: GraphDecision | undefined,
  scored: ScoreWalk,
  evidence: Evidence | undefined,
  isQuantized: boolean,
): string {
  const through = [...scored.through, ...(decision?.through ?? [])];
  const kind = evidence?.isLog === true ? "log-probabilities" : "probabilities";
  return through.length > 0
    ? `what stands before ${through.join(", ")} at the end`
    : evidence === undefined
      ? `the output itself, ${isQuantized ? "quantized scores" : "taken as scores"}`
      : `the output itself, ${kind} of ${evidence.by}`;
}
