import type { ResolvedModel } from "@onnx-asma/autodiff";

export type GraphNode = ResolvedModel["model"]["graph"]["node"][number];

/** value = scale·(number − zeroPoint) */
export interface Quantization {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Reads a resolved graph against its direction. */
export class GraphWalk {
  readonly resolved: ResolvedModel;
  /** Samples in the model's batch. */
  readonly batch: number;
  readonly #producers: Map<string, GraphNode>;

  constructor(resolved: ResolvedModel, batch = 1) {
    this.resolved = resolved;
    this.batch = batch;
    this.#producers = new Map(
      resolved.model.graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)),
    );
    for (const { opType, input, output } of resolved.model.graph.node) {
      const softmax = this.producer(input[0] ?? "");
      const flatten = this.producer(softmax?.input[0] ?? "");
      const [x = ""] = flatten?.input ?? [];
      const [y = ""] = output;
      if (
        opType === "Reshape" &&
        softmax?.opType.endsWith("oftmax") === true &&
        flatten?.opType === "Flatten" &&
        this.dims(x)?.join() === this.dims(y)?.join()
      ) {
        // Softmax before opset 13, over all axes from its own on.
        this.#producers.set(y, { ...softmax, input: [x], attribute: flatten.attribute });
      }
    }
  }

  /** The standard operator that makes a value; `undefined` for inputs, constants and custom ones. */
  producer(name: string): GraphNode | undefined {
    const node = this.#producers.get(name);
    return node?.domain === "" ? node : undefined;
  }

  dims(name: string): readonly number[] | undefined {
    return this.resolved.types.get(name)?.dims;
  }

  /** The one number of a constant with equal elements. */
  scalar(name: string): number | undefined {
    const [first, ...others] = this.resolved.constant(name) ?? [];
    return others.every((n) => n === first) ? first : undefined;
  }

  int(node: GraphNode, name: string, fallback: number): number {
    const found = node.attribute.find((attribute) => attribute.name === name);
    return found === undefined ? fallback : Number(found.i);
  }

  float(node: GraphNode, name: string, fallback: number): number {
    return node.attribute.find((attribute) => attribute.name === name)?.f ?? fallback;
  }

  string(node: GraphNode, name: string, fallback: string): string {
    const found = node.attribute.find((attribute) => attribute.name === name);
    return found === undefined ? fallback : String.fromCharCode(...found.s);
  }

  /** Scale and zero point of a value quantized per tensor; conversions of order are passed. */
  quantization(name: string): Quantization | undefined {
    for (let at = name; ;) {
      const node = this.producer(at);
      const [input = "", scale = "", zeroPoint = ""] = node?.input ?? [];
      if (node?.opType === "QuantizeLinear") {
        const factor = this.scalar(scale);
        return factor === undefined
          ? undefined
          : { scale: factor, zeroPoint: this.scalar(zeroPoint) ?? 0 };
      }
      if (node === undefined || !movers.has(node.opType)) {
        return undefined;
      }
      at = input;
    }
  }

  /** The attribute `axis`, counted from the front. */
  axis(node: GraphNode, fallback: number): number | undefined {
    const rank = this.dims(node.input[0] ?? "")?.length;
    const axis = this.int(node, "axis", fallback);
    return rank === undefined ? undefined : axis < 0 ? axis + rank : axis;
  }
}

/** Operators that move or convert values without changing what they say. */
export const movers: ReadonlySet<string> = new Set([
  "Identity",
  "Cast",
  "Squeeze",
  "Unsqueeze",
  "Reshape",
  "Dropout",
  "Flatten",
  "Transpose",
]);

/**
 * The axis before one of the {@link movers} that becomes `axis` after it; `undefined` when it is
 * merged or split.
 */
export function axisBefore(walk: GraphWalk, node: GraphNode, axis: number): number | undefined {
  const before = walk.dims(node.input[0] ?? "");
  const after = walk.dims(node.output[0] ?? "");
  if (before === undefined || after === undefined) {
    return undefined;
  }
  if (node.opType === "Transpose") {
    const perm = node.attribute.find(({ name }) => name === "perm")?.ints.map(Number);
    return perm === undefined ? after.length - 1 - axis : perm[axis];
  }
  if (before.length === after.length && before.every((d, i) => d === after[i])) {
    return axis;
  }
  // Only axes of one entry come and go; the others keep their order.
  const long = (dims: readonly number[]) =>
    dims.map((d, i) => ({ d, i })).filter(({ d }) => d !== 1);
  const [from, to] = [long(before), long(after)];
  const isSame = from.length === to.length && from.every(({ d }, k) => d === to[k]?.d);
  const at = to.findIndex(({ i }) => i === axis);
  return isSame && at >= 0 ? from[at]?.i : undefined;
}
