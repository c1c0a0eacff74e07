import type { Model } from "@onnx-asma/autodiff";

type GraphNode = Model["graph"]["node"][number];

/** What the first operators on the image say about its axes. */
export interface ImageEvidence {
  /** Where the channels are. */
  readonly channels: "first" | "last";
  /** How many there are, where the operator says it. */
  readonly count: number | undefined;
  readonly because: string;
}

/** Operators that leave the order of the axes as it is. */
const elementwise = new Set([
  "Cast",
  "Identity",
  "Sub",
  "Add",
  "Mul",
  "Div",
  "Clip",
  "Pad",
  "QuantizeLinear",
  "DequantizeLinear",
]);

/**
 * Follows the image to the first operator that knows its axes: a convolution has channels first (and
 * weights for each), a transpose that moves the last axis to the second place had them last.
 */
export function findImageEvidence(model: Model, input: string): ImageEvidence | undefined {
  const readers = new Map<string, GraphNode[]>();
  for (const node of model.graph.node) {
    for (const name of node.input) {
      const known = readers.get(name);
      if (known === undefined) {
        readers.set(name, [node]);
      } else {
        known.push(node);
      }
    }
  }
  const queue = [input];
  const seen = new Set(queue);
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    for (const node of readers.get(name) ?? []) {
      const found = readEvidence(model, node, name);
      if (found !== undefined) {
        return found;
      }
      const [output] = node.output;
      if (elementwise.has(node.opType) && output !== undefined && !seen.has(output)) {
        seen.add(output);
        queue.push(output);
      }
    }
  }
  return undefined;
}

function readEvidence(model: Model, node: GraphNode, name: string): ImageEvidence | undefined {
  if (node.opType === "Conv" && node.input[0] === name) {
    const weights = model.graph.initializer.find((tensor) => tensor.name === node.input[1]);
    const group = Number(node.attribute.find((a) => a.name === "group")?.i ?? 1);
    const count = weights && Number(weights.dims[1]) * group;
    return {
      channels: "first",
      count,
      because: `the convolution '${node.name || node.output[0]}' reads it`,
    };
  }
  if (node.opType === "Transpose") {
    const perm = node.attribute.find((a) => a.name === "perm")?.ints.map(Number) ?? [];
    if (perm.length > 3 && perm[1] === perm.length - 1) {
      const because = `the transpose '${node.name}' brings the channels forward`;
      return { channels: "last", count: undefined, because };
    }
  }
  return undefined;
}
