import type { InferenceSession } from "onnxruntime-node";
import {
  differentiate,
  type AutodiffError,
  type DataType,
  type ResolvedModel,
} from "@onnx-asma/autodiff";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";
import {
  compareWithFiniteDifferences,
  type Comparison,
  type ComparisonOptions,
} from "./finite-differences.ts";
import { fromRuntime, toRuntime, type Numbers } from "./numbers.ts";

/**
 * Runs a session on those of the values that it has as inputs, in the types that it has them in:
 * halves may have become float32.
 */
export async function runSession(
  session: InferenceSession,
  values: ReadonlyMap<string, Numbers>,
): Promise<Map<string, Float64Array>> {
  const feeds = Object.fromEntries(
    session.inputNames.map((name, i) => {
      const { dims, numbers } = values.get(name) as Numbers;
      return [name, toRuntime(typeOf(session.inputMetadata[i]), dims, numbers)];
    }),
  );
  const results = await session.run(feeds);
  return new Map(Object.entries(results).map(([name, tensor]) => [name, fromRuntime(tensor)]));
}

function typeOf(metadata: InferenceSession["inputMetadata"][number] | undefined): DataType {
  return metadata?.isTensor ? (metadata.type as DataType) : "float32";
}

/**
 * The training graph with respect to those inputs that have a gradient, `undefined` if none has: to
 * be compared with zero then.
 */
export function differentiateWhereCurved(
  resolved: ResolvedModel,
  inputs: readonly string[],
  outputs: readonly string[],
): ResolvedModel | undefined {
  const curved = inputs.filter((name) => {
    try {
      differentiate(resolved, { inputs: [name], outputs });
      return true;
    } catch (error) {
      if ((error as AutodiffError).code === "ERR_NO_GRADIENT") {
        return false;
      }
      throw error;
    }
  });
  return curved.length === 0 ? undefined : differentiate(resolved, { inputs: curved, outputs });
}

const precision: Partial<Record<DataType, { epsilon: number; steps: readonly number[] }>> = {
  float64: { epsilon: 2 ** -52, steps: [2 ** -10, 2 ** -14] },
  float32: { epsilon: 2 ** -23, steps: [2 ** -7, 2 ** -10] },
  float16: { epsilon: 2 ** -10, steps: [2 ** -1, 2 ** -3] },
};

/**
 * Compares the gradient of Σ ⟨random, output⟩ with finite differences of the model itself.
 *
 * @param sessions the model, and its training graph (none: the gradient is zero)
 * @param variables inputs with the values to compare at; they have one dtype
 * @param outputs float outputs, whose upstream gradients are uniform in [−1, 1)
 * @throws RangeError when the jitter leaves an operator's domain
 */
export async function compareGradient(
  sessions: { readonly forward: InferenceSession; readonly backward: InferenceSession | undefined },
  variables: readonly ({ readonly name: string } & Numbers)[],
  outputs: readonly string[],
  { jitter, ...limits }: { readonly jitter: number } & Pick<ComparisonOptions, "budget" | "sample">,
): Promise<Comparison> {
  const { forward, backward } = sessions;
  const random = mulberry32(5);
  const isVariable = new Set(variables.map(({ name }) => name));
  const dtype = typeOf(forward.inputMetadata.find(({ name }) => isVariable.has(name)));
  const { epsilon, steps } = precision[dtype] ?? { epsilon: 2 ** -23, steps: [2 ** -7] };
  const round = (v: number) => fromRuntime(toRuntime(dtype, [], [v]))[0] as number;
  const feedsAt = (x: Float64Array) => {
    let offset = 0;
    return new Map<string, Numbers>(
      variables.map(({ name, dims, numbers: { length } }) => {
        offset += length;
        return [name, { dtype, dims, numbers: x.subarray(offset - length, offset) }];
      }),
    );
  };
  const given = Float64Array.from(variables.flatMap(({ numbers }) => [...numbers]));
  const at = given.map((v) => round(v + jitter * (2 * random() - 1)));
  const feeds = feedsAt(at);
  const results = await runSession(forward, feeds);
  const upstream = outputs.map((name) => {
    const values = results.get(name) as Float64Array;
    if (jitter !== 0 && values.some(Number.isNaN)) {
      throw new RangeError(`output '${name}' is not a number beside the point given`);
    }
    // Nothing can be asked of what is infinite.
    const numbers = values.map((y) => (Number.isFinite(y) ? Math.fround(2 * random() - 1) : 0));
    const metadata = forward.outputMetadata.find((m) => m.name === name);
    const dims = metadata?.isTensor ? (metadata.shape as number[]) : [];
    feeds.set(`${name}_grad`, { dtype, dims, numbers });
    return { name, numbers, values };
  });
  const gradients = backward && (await runSession(backward, feeds));
  return compareWithFiniteDifferences({
    at,
    gradient: Float64Array.from(
      variables.flatMap(({ name, numbers }) => [
        ...(gradients?.get(`${name}_grad`) ?? numbers.map(() => 0)),
      ]),
    ),
    epsilon,
    round,
    steps,
    random,
    ...limits,
    magnitude: Math.hypot(...upstream.map((u) => Math.sqrt(dot(u.values, u.numbers, 2)))),
    objective: async (x) => {
      // Out of an operator's domain the runtime may refuse to run.
      const moved = await runSession(forward, feedsAt(x)).catch(() => undefined);
      if (moved === undefined) {
        return Number.NaN;
      }
      return upstream.reduce((sum, u) => sum + dot(moved.get(u.name) ?? [], u.numbers), 0);
    },
  });
}

/** The first wrong element of a comparison in words. */
export function describeWrong({ verified, skipped, wrong }: Comparison): string {
  const [first] = wrong;
  return `gradient ${first?.found} instead of ${first?.expected} at element ${first?.element}; ${wrong.length} wrong, ${verified} right, ${skipped} not compared`;
}

/** Σ (aᵢbᵢ)ᵖ over those i where b is not 0. */
function dot(a: ArrayLike<number>, b: Float64Array, power = 1): number {
  return b.reduce((sum, v, i) => (v === 0 ? sum : sum + (v * (a[i] as number)) ** power), 0);
}
