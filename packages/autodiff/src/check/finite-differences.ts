import type { Tensor } from "onnxruntime-common";
import { AutodiffError } from "../errors.ts";
import type { ResolvedModel } from "../graph/resolved-model.ts";
import { elementCount, type TensorType } from "../model/data-type.ts";
import type { WrittenModel } from "../model/write-model.ts";
import { mulberry32 } from "./mulberry32.ts";
import type { Runtime, Session, SessionOptions } from "../runtime.ts";

/** Numbers of a tensor in row-major order, of the dims that the model has for it. */
export type TensorData = ArrayLike<number>;

/** What a gradient is compared along one direction. */
export interface GradientFigure {
  /** Counted from 0. */
  readonly direction: number;
  /** The central finite difference. */
  readonly expected: number;
  /** The dot product of the gradient and the direction. */
  readonly found: number;
  /**
   * |found − expected| over the largest of |found|, |expected| and ‖gradient‖₂. The last is the
   * standard deviation of the dot product over random directions, so that one that happens to be
   * orthogonal to the gradient does not look like a fault.
   */
  readonly relativeError: number;
}

/** A gradient graph and the model whose finite differences it has to agree with. */
export interface GradientPair {
  readonly runtime: Runtime;
  /** The gradient graph; its inputs include those of the forward graph. */
  readonly backward: { readonly types: ResolvedModel; readonly written: WrittenModel };
  /** Gives the outputs that are differentiated. */
  readonly forward: { readonly types: ResolvedModel; readonly written: WrittenModel };
  readonly inputs: readonly { readonly name: string; readonly gradient: string }[];
  readonly outputs: readonly { readonly name: string; readonly upstream: string }[];
}

/** Options of {@link compareWithDifferences}. */
export interface DifferenceOptions {
  /** Values of graph inputs, by name; the others are random, as `checkGradient` says. */
  readonly feeds?: Readonly<Record<string, TensorData>> | undefined;
  readonly directions: number;
  /**
   * Moves half of the elements by the sign of the gradient instead of all by random signs: slopes are
   * large then, so that small steps, which pass no kinks, still tell a wrong factor; only random signs
   * tell missing parts. @default false
   */
  readonly isAligned?: boolean | undefined;
  /**
   * Half the distance between the two points of a difference, per element. With several, those
   * neighbours in this list count whose differences agree best: a step too long passes kinks, one too
   * short drowns in rounding.
   */
  readonly steps: readonly number[];
  /** Relative disagreement of neighbours below which no other step is tried. @default 0 */
  readonly tolerance?: number | undefined;
  readonly seed: number;
  readonly sessionOptions?: SessionOptions | undefined;
}

/**
 * The dot-product test: for random upstream gradients vᵢ and directions d of entries ±1, ⟨∇f, d⟩ has
 * to be (f(x + hd) − f(x − hd)) / 2h with f(x) = Σᵢ⟨vᵢ, outputᵢ(x)⟩.
 *
 * @throws AutodiffError `ERR_FEED` for inputs that are not float32 or float64 graph inputs and for
 *   feeds of the wrong size
 */
export async function compareWithDifferences(
  { runtime, backward, forward, inputs, outputs }: GradientPair,
  options: DifferenceOptions,
): Promise<{ figures: GradientFigure[]; worst: number }> {
  const { directions, steps, tolerance = 0, isAligned = false, seed, sessionOptions } = options;
  const random = mulberry32(seed);
  const point = new Map<string, number[]>();
  for (const { name } of forward.types.model.graph.input) {
    point.set(name, feedOf(forward.types, name, options.feeds?.[name], random));
  }
  for (const { name } of inputs) {
    const type = forward.types.types.get(name);
    if (!point.has(name) || (type?.dtype !== "float32" && type?.dtype !== "float64")) {
      throw new AutodiffError(
        "ERR_FEED",
        `Expected a graph input of float32 or float64 to move but found '${name}' of ${type?.dtype}: name another input.`,
      );
    }
  }
  for (const { upstream } of outputs) {
    const { dims } = backward.types.types.get(upstream) as TensorType;
    point.set(
      upstream,
      Array.from({ length: elementCount(dims) }, () => 2 * random() - 1),
    );
  }
  const open = async ({ bytes, externalData }: WrittenModel) =>
    await runtime.InferenceSession.create(bytes, { ...sessionOptions, externalData });
  const backwardSession = await open(backward.written);
  let forwardSession: Session | undefined;
  try {
    forwardSession = await open(forward.written);
    const session = forwardSession;
    const gradients = await run(backwardSession, runtime, backward.types, point);
    const found = inputs.map(({ gradient }) => gradients.get(gradient) as number[]);
    const norm = Math.hypot(...found.map((part) => Math.sqrt(dot(part, part))));
    const along = async (direction: readonly number[][], step: number): Promise<Slopes> => {
      const [high, low] = [1, -1].map((sign) =>
        inputs.map(({ name }, i) => {
          const isSingle = forward.types.types.get(name)?.dtype === "float32";
          const moved = (point.get(name) as number[]).map(
            (v, k) => v + sign * step * (direction[i]?.[k] as number),
          );
          return isSingle ? moved.map(Math.fround) : moved;
        }),
      ) as [number[][], number[][]];
      const valuesAt = async (moved: readonly number[][]): Promise<number[][]> => {
        const at = new Map(point);
        inputs.forEach(({ name }, i) => at.set(name, moved[i] as number[]));
        const results = await run(session, runtime, forward.types, at);
        return outputs.map(({ name }) => results.get(name) as number[]);
      };
      const [up, down] = [await valuesAt(high), await valuesAt(low)];
      const upstreams = outputs.map(({ upstream }) => point.get(upstream) as number[]);
      return {
        expected: product(upstreams, up, down) / (2 * step),
        // Of what the rounded inputs really differ by.
        found: product(found, high, low) / (2 * step),
      };
    };
    const figures: GradientFigure[] = [];
    for (let direction = 0; direction < directions; direction++) {
      const d = found.map((part) => part.map((g) => sign(g, isAligned, random)));
      const { expected, found: slope } = await steadiest(
        (step) => along(d, step),
        steps,
        tolerance,
        norm,
      );
      const apart = Math.abs(slope - expected);
      const scale = Math.max(Math.abs(expected), Math.abs(slope), norm);
      const relativeError = apart === 0 ? 0 : apart / scale;
      figures.push({ direction, expected, found: slope, relativeError });
    }
    // NaN if one of them is.
    const worst = Math.max(0, ...figures.map(({ relativeError }) => relativeError));
    return { figures, worst };
  } finally {
    await forwardSession?.release();
    await backwardSession.release();
  }
}

/** Slopes along a direction: by differences, and by the gradient. */
interface Slopes {
  readonly expected: number;
  readonly found: number;
}

/** The slopes at the step whose difference agrees best with that of the step before it. */
async function steadiest(
  slopesAt: (step: number) => Promise<Slopes>,
  steps: readonly number[],
  tolerance: number,
  norm: number,
): Promise<Slopes> {
  let last = await slopesAt(steps[0] as number);
  let best = last;
  let smallestGap = Infinity;
  for (const step of steps.slice(1)) {
    const next = await slopesAt(step);
    const gap = Math.abs(next.expected - last.expected);
    if (gap < smallestGap) {
      smallestGap = gap;
      best = next;
    }
    last = next;
    if (smallestGap <= tolerance * Math.max(Math.abs(best.expected), norm)) {
      break;
    }
  }
  return best;
}

/** ±1 at random, or for half of the elements the sign of the gradient and 0 for the others. */
function sign(gradient: number, isAligned: boolean, random: () => number): number {
  const isFirst = random() < 0.5;
  return isAligned ? (isFirst ? 0 : Math.sign(gradient)) : isFirst ? -1 : 1;
}

/** Σ ⟨a, b − c⟩. */
function product(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  c: readonly (readonly number[])[],
): number {
  let sum = 0;
  a.forEach((list, i) =>
    list.forEach((v, k) => {
      sum += v * ((b[i]?.[k] as number) - (c[i]?.[k] as number));
    }),
  );
  return sum;
}

function feedOf(
  resolved: ResolvedModel,
  name: string,
  given: TensorData | undefined,
  random: () => number,
): number[] {
  const { dtype, dims } = resolved.types.get(name) ?? { dtype: "string", dims: [] };
  const length = elementCount(dims);
  if (!(dtype in arrays) || (given !== undefined && given.length !== length)) {
    throw new AutodiffError(
      "ERR_FEED",
      `Expected ${length} numbers for input '${name}' of ${dtype}[${dims.join(", ")}] but found ${given === undefined ? "a type that has none here" : given.length}.`,
    );
  }
  return Array.from({ length }, (_, i) =>
    given === undefined ? (dtype.startsWith("float") ? random() : 0) : (given[i] as number),
  );
}

const arrays = {
  float32: (numbers: readonly number[]) => Float32Array.from(numbers),
  float64: (numbers: readonly number[]) => Float64Array.from(numbers),
  int64: (numbers: readonly number[]) => BigInt64Array.from(numbers, BigInt),
  int32: (numbers: readonly number[]) => Int32Array.from(numbers),
  uint8: (numbers: readonly number[]) => Uint8Array.from(numbers),
  bool: (numbers: readonly number[]) => Uint8Array.from(numbers),
};

/** Runs a session on the values that its model has as inputs; its outputs as numbers. */
async function run(
  session: Session,
  runtime: Runtime,
  model: ResolvedModel,
  values: ReadonlyMap<string, readonly number[]>,
): Promise<Map<string, number[]>> {
  const feeds: Record<string, Tensor> = {};
  for (const { name } of model.model.graph.input) {
    const { dtype, dims } = model.types.get(name) as TensorType;
    const data = arrays[dtype as keyof typeof arrays](values.get(name) as number[]);
    feeds[name] = new runtime.Tensor(dtype as "float32", data as Float32Array, dims);
  }
  const results = await session.run(feeds);
  const numbers = new Map<string, number[]>();
  for (const [name, tensor] of Object.entries(results)) {
    numbers.set(name, Array.from(tensor.data as Float32Array, Number));
    tensor.dispose();
  }
  return numbers;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);
}
