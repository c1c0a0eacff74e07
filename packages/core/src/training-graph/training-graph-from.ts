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
  const { runtime, resolved, input, scores, sessionOptions } = request;
  if (request.hasQueries) {
    throw new AsmaError(
      "ERR_TRAINING_GRAPH",
      "A training graph has one upstream gradient, but the scores of this model come from two outputs (masks and classes of queries): leave it out, and the gradient is derived from the model.",
    );
  }
  const range = valueRange(request.preprocessing);
  const typeOf = (name: string) => ({ name, ...(resolved.types.get(name) as TensorType) });
  const graph = await importTrainingGraph(options.model, runtime, {
    ...options,
    image: typeOf(input),
    scores: typeOf(scores),
    sessionOptions,
  });
  const difference = await compareScores(request, graph, range);
  const error = await checkTrainingGraph(graph, runtime, { range, sessionOptions });
  const lowered = graph.lowered.length === 0 ? "" : `; ${graph.lowered.join(", ")} lowered`;
  return {
    graph,
    is: `'${graph.image}' and the gradient of '${scores}' ('${graph.upstream}') in${lowered}`,
    because: `as told; checked: scores differ by ${difference.toExponential(1)}, gradient by ${error.toExponential(1)} from finite differences`,
  };
}

/** Least and largest value of the model's input, over all channels. */
function valueRange({ range, mean, std }: TrainingGraphRequest["preprocessing"]): [number, number] {
  const channels = Math.max(1, mean.length, std.length);
  const at = (list: readonly number[], c: number, fallback: number) =>
    (list.length === 1 ? list[0] : list[c]) ?? fallback;
  const ends = Array.from({ length: channels }, (_, c) =>
    range.map((v) => (v - at(mean, c, 0)) / at(std, c, 1)),
  ).flat();
  return [Math.min(...ends), Math.max(...ends)];
}

/** Runs both on random images; returns the largest difference as a share of the largest score. */
async function compareScores(
  { runtime, resolved, input, scores, sessionOptions }: TrainingGraphRequest,
  graph: TrainingGraph,
  [low, high]: readonly [number, number],
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
