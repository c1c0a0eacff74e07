import { isFloat, type ResolvedModel } from "@onnx-asma/autodiff";
import { countOf } from "../../image.ts";

export type GraphNode = ResolvedModel["model"]["graph"]["node"][number];

/** value = scale·(number − zeroPoint) */
export interface Quantization {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Constants of more numbers are weights. */
const mostNumbers = 1 << 16;

/** Reads a resolved graph against its direction. */
export class GraphWalk {
  readonly resolved: ResolvedModel;
  /** Samples in the model's batch. */
  readonly batch: number;
  /** What was found out about values before. */
  readonly found = new Map<string, unknown>();
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

  /** Whether an operator of a type makes a value. */
  is(name: string, opType: string): boolean {
    return this.producer(name)?.opType === opType;
  }

  /** The inputs of the operator that makes a value, if it is of a type; none otherwise. */
  inputsOf(name: string, opType: string): readonly string[] {
    return this.is(name, opType) ? (this.producer(name)?.input ?? []) : [];
  }

  /** Whether a value is 1 − another. */
  isOpposite(name: string, of: string): boolean {
    const [one = "", rest] = this.inputsOf(name, "Sub");
    return rest === of && this.scalar(one) === 1;
  }

  isFloat(name: string): boolean {
    return isFloat(this.resolved.types.get(name)?.dtype ?? "float32");
  }

  dims(name: string): readonly number[] | undefined {
    return this.resolved.types.get(name)?.dims;
  }

  /** The one number of a constant with equal elements; weights are not looked at. */
  scalar(name: string): number | undefined {
    if (countOf(this.dims(name) ?? []) > mostNumbers) {
      return undefined;
    }
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

  /** The one axis that a reduction runs along; `undefined` for several. */
  reducedAxis(node: GraphNode): number | undefined {
    const rank = this.dims(node.input[0] ?? "")?.length ?? 0;
    const attribute = node.attribute.find((a) => a.name === "axes")?.ints.map(Number);
    const [axis = 0, ...others] = attribute ??
      this.resolved.constant(node.input[1] ?? "") ?? [0, 0];
    return others.length > 0 ? undefined : axis < 0 ? axis + rank : axis;
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
 * The axis that one of the {@link movers}, or what keeps the dims, makes of `axis` or (`back`) makes `axis` of;
 * `undefined` when it is merged or split.
 */
export function axisThrough(
  walk: GraphWalk,
  node: GraphNode,
  axis: number | undefined,
  isBack: boolean,
): number | undefined {
  const before = walk.dims(node.input[0] ?? "");
  const after = walk.dims(node.output[0] ?? "");
  if (before === undefined || after === undefined || axis === undefined) {
    return undefined;
  }
  if (node.opType === "Transpose") {
    const perm =
      node.attribute.find(({ name }) => name === "perm")?.ints.map(Number) ??
      after.map((_, i) => after.length - 1 - i);
    return isBack ? perm[axis] : perm.indexOf(axis);
  }
  if (before.length === after.length) {
    return before[axis] === after[axis] ? axis : undefined;
  }
  // As many entries, and as many before them.
  const [from, to] = isBack ? [after, before] : [before, after];
  const found = to.findIndex(
    (d, i) =>
      d !== 1 && d === from[axis] && countOf(to.slice(0, i)) === countOf(from.slice(0, axis)),
  );
  return found < 0 ? undefined : found;
}
