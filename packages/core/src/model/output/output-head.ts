import { isFloat, type ResolvedModel, type TensorType } from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import type { Size } from "../../image.ts";
import { chooseClass } from "./choose-class.ts";
import { chooseOutput, describeOutputs, notSpatial, type OutputRequest } from "./choose-output.ts";
import { decodingOf, signOf, type Decoding } from "./decoding.ts";
import type { Decision } from "../decision.ts";
import { GraphWalk } from "./graph-walk.ts";
import type { Layout } from "../layout.ts";
import { fitLayout } from "./output-layout.ts";
import { findDecision, type GraphDecision } from "./output-walk.ts";
import { findQueries, type QueryHead } from "./query-head.ts";
import type { RegridStep } from "../grid/regrid.ts";
import { probabilityEvidence, walkToScores, type ScoreWalk } from "./score-walk.ts";
import { option } from "../option.ts";

/** What the model predicts with, and the float tensor behind it that is attacked. */
export interface OutputHead {
  /** The value that is decoded when the untouched model runs. */
  readonly output: string;
  readonly decoding: Decoding;
  /**
   * The value that the attack raises: the output itself or what stands before its softmax, sigmoid or
   * argmax; float, or made by a QuantizeLinear.
   */
  readonly scores: string;
  /** Order of the axes of `scores`. */
  readonly layout: Layout;
  /** Entries of `scores` per pixel. */
  readonly channels: number;
  /** Which of the channels is attacked, where each stands for itself; `undefined` when the largest wins. */
  readonly channel: number | undefined;
  /** Where one channel changes its label. */
  readonly border: number;
  /** −1 where values below the border are label 1. */
  readonly sign: 1 | -1;
  /** Set when `output` holds the masks of queries. */
  readonly queries: QueryHead | undefined;
  /** For each axis the pixel of `scores` that each pixel of the output is taken from. */
  readonly enlarge: readonly (readonly number[])[] | undefined;
  /** Number of labels: 2 for one channel. */
  readonly classes: number;
  /** Size of the output in pixels. */
  readonly outputSize: Size;
  /** From the output's grid to the one that labels are wanted on. */
  readonly steps: readonly RegridStep[];
  /** Size of the label grid. */
  readonly size: Size;
}

/** A head before it is decided on which grid its labels are wanted. */
export type HeadOnOutputGrid = Omit<OutputHead, "steps" | "size">;

/**
 * Finds the output that segments, what its numbers are, and the float tensor to attack: back from
 * argmax, softmax and sigmoid, where gradients vanish or do not exist.
 *
 * @throws AsmaError `ERR_OUTPUT` when no output is an image of classes; `ERR_CLASS` for a class that is
 *   not there
 */
export function findOutputHead(
  resolved: ResolvedModel,
  request: OutputRequest,
  decisions: Decision[],
): HeadOnOutputGrid {
  const { options } = request;
  const output = chooseOutput(resolved, request, decisions);
  const queries = findQueries(resolved, output, options);
  return queries === undefined
    ? findPixelHead(resolved, output, request, decisions)
    : findQueryHead(resolved, output, queries, request, decisions);
}

function findQueryHead(
  resolved: ResolvedModel,
  output: string,
  queries: QueryHead,
  request: OutputRequest,
  decisions: Decision[],
): HeadOnOutputGrid {
  const layout = request.inputLayout.includes("D") ? "NCDHW" : "NCHW";
  const { dims } = resolved.types.get(output) as TensorType;
  const fitting = fitLayout({ ...request, dims, told: layout });
  if (fitting === undefined) {
    throw notSpatial(resolved, `'${output}' with the masks of queries is no image of them`);
  }
  const classes = queries.kept.length;
  decisions.push({
    what: "scores",
    is: `masks '${output}' of ${queries.count} queries, weighted with their classes '${queries.classes}' (${classes} classes${queries.voidClass === undefined ? "" : `, void is ${queries.voidClass}`})`,
    because:
      request.options.queryClasses === undefined
        ? "from the dims and names of the outputs"
        : "as told",
    options: ["outputKind", "queryClasses", "voidClass"],
  });
  const isBinary = classes === 1;
  const decoding: Decoding = isBinary
    ? { kind: "threshold", layout, channels: 1, channel: 0, border: 0.5 }
    : { kind: "argmax", layout, channels: classes };
  return {
    output,
    decoding,
    scores: output,
    layout,
    channels: classes,
    channel: isBinary ? 0 : undefined,
    border: isBinary ? 0.5 : 0,
    sign: 1,
    queries,
    enlarge: undefined,
    classes: isBinary ? 2 : classes,
    outputSize: fitting.size,
  };
}

function findPixelHead(
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
  return node?.opType.endsWith("oftmax") === true
    ? walk.axis(node, walk.resolved.model.opset < 13 ? 1 : -1)
    : undefined;
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
