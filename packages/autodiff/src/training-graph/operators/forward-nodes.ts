import type { GraphProto, NodeProto } from "../../model/onnx-messages.ts";

/** The nodes of a training graph by what they make: gradients find the forward node they belong to. */
export class ForwardNodes {
  readonly #producers = new Map<string, NodeProto>();

  constructor(graph: GraphProto) {
    for (const node of graph.node) {
      for (const name of node.output) {
        this.#producers.set(name, node);
      }
    }
  }

  /** The node that makes a value. */
  producer(name: string): NodeProto | undefined {
    return this.#producers.get(name);
  }

  /**
   * The forward node at whose first output a gradient arrives: gradients are named after the value
   * they belong to, `<name>_grad`.
   */
  ofUpstream(gradient: string, opType: string): NodeProto | undefined {
    const node = this.#producers.get(gradient.replace(/_grad$/, ""));
    return node?.opType === opType && gradient.endsWith("_grad") ? node : undefined;
  }
}
