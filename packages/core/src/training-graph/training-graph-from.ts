import {
  writeForOutput,
  writeModel,
  type TensorType,
  type TrainingGraph,
  type WrittenModel,
} from "@onnx-asma/autodiff";
import { checkTrainingGraph, importTrainingGraph } from "@onnx-asma/autodiff/training-graph";
import { AsmaError, refusal } from "../errors.ts";
import { openSession } from "../open-session.ts";
import type {
  CheckedTrainingGraph,
  TrainingGraphOptions,
  TrainingGraphRequest,
  TrainingGraphSource,
} from "../model/model-options.ts";

/** Largest difference of scores, as a share of the largest score, that counts as rounding. */
const largestDifference = 1e-3;

/**
 * A training graph that the user brings. When a model is loaded with it, it is checked: its forward part has
 * to give the model's own scores, and its gradient has to agree with finite differences.
 *
 * Loading throws AsmaError `ERR_TRAINING_FORWARD` when it belongs to another model; AutodiffError as
 * `importTrainingGraph` and `checkTrainingGraph` do.
 */
export function trainingGraphFrom(options: TrainingGraphOptions): TrainingGraphSource {
  return { options, load: async (request) => await load(options, request) };
}

async function load(
  options: TrainingGraphOptions,
  request: TrainingGraphRequest,
): Promise<CheckedTrainingGraph> {
  const { runtime, resolved, input, scores, range, sessionOptions } = request;
  const typeOf = (name: string) => ({ name, ...(resolved.types.get(name) as TensorType) });
  const graph = await importTrainingGraph(options.model, runtime, {
    ...options,
    image: typeOf(input),
    scores: typeOf(scores),
    sessionOptions,
  });
  const scoreDifference = await compareScores(request, graph);
  const gradientError = await checkTrainingGraph(graph, runtime, { range, sessionOptions });
  return { graph, scoreDifference, gradientError };
}

/** Runs both on random images; returns the largest difference as a share of the largest score. */
async function compareScores(
  { runtime, resolved, input, scores, range: [low, high], sessionOptions }: TrainingGraphRequest,
  graph: TrainingGraph,
): Promise<number> {
  const { dtype, dims } = resolved.types.get(input) as TensorType;
  const upstream = graph.resolved.types.get(graph.upstream) as TensorType;
  const count = (list: readonly number[]) => list.reduce((product, d) => product * d, 1);
  const zeros = ({ dtype: type, dims: size }: TensorType) =>
    new runtime.Tensor(type as "float32", new (arrayOf(type))(count(size)) as Float32Array, size);
  const ours = zeros({ dtype, dims });
  const values = ours.data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    values[i] = low + (high - low) * (((i + 1) * 0.6180339887498949) % 1);
  }
  const scoresOf = async (
    written: WrittenModel,
    feeds: Record<string, typeof ours>,
    output: string,
    what: string,
  ) => {
    const session = await openSession(runtime, written, sessionOptions, what);
    try {
      const result = (await session.run(feeds, [output]))[output];
      return Float64Array.from(result?.data as Float32Array, Number);
    } finally {
      await session.release();
    }
  };
  const own = await scoresOf(
    writeForOutput(resolved.model, scores),
    { [input]: ours },
    scores,
    "the model",
  );
  const other = await scoresOf(
    writeModel(graph.resolved.model, "reference"),
    { [graph.image]: ours, [graph.upstream]: zeros(upstream) },
    graph.scores,
    "the training graph",
  );
  const largest = own.reduce((most, v) => Math.max(most, Math.abs(v)), Number.MIN_VALUE);
  const apart = own.reduce((most, v, i) => Math.max(most, Math.abs(v - (other[i] as number))), 0);
  if (!(apart / largest <= largestDifference)) {
    throw new AsmaError(
      "ERR_TRAINING_FORWARD",
      `Expected the training graph to compute the model's own scores but '${graph.scores}' differs from '${scores}' by ${apart.toPrecision(3)} where scores reach ${largest.toPrecision(3)}: it was built from another model or other weights, or from one in training mode (batch statistics, dropout). Build it again from this model.`,
      { details: { difference: apart, largest } },
    );
  }
  return apart / largest;
}

function arrayOf(dtype: string) {
  if (dtype === "float32" || dtype === "float64") {
    return dtype === "float32" ? Float32Array : Float64Array;
  }
  throw refusal("ERR_TRAINING_GRAPH", {
    expected: "a training graph in float32 or float64",
    found: `found ${dtype}`,
    wayOut: "build it from the model in float32",
  });
}
