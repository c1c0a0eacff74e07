import type { ResolvedModel, TensorType } from "@onnx-asma/autodiff";
import { chooseOutput, notSpatial, type OutputRequest } from "./choose-output.ts";
import type { Decoding } from "./decoding.ts";
import type { Decision } from "../decision.ts";
import { GraphWalk } from "./graph-walk.ts";
import { fitLayout } from "./output-layout.ts";
import { findQueries, type QueryHead } from "./query-head.ts";
import { findPixelHead } from "./find-pixel-head.ts";
import type { HeadOnOutputGrid } from "./output-head.ts";

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
  const walk = new GraphWalk(resolved, request.batch);
  const output = chooseOutput(walk, request, decisions);
  const queries = findQueries(resolved, output, options);
  return queries === undefined
    ? findPixelHead(walk, output, request, decisions)
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
    saturation: undefined,
    isUnsure: false,
    enlarge: undefined,
    classes: isBinary ? 2 : classes,
    outputSize: fitting.size,
  };
}
