import type { GraphProto } from "../model/onnx-messages.ts";
import type { DeclaredInput, Model } from "../model/model.ts";
import { inputsOf } from "./inputs-of.ts";

/** Names of all values that the outputs of a graph follow from, these among them. */
export function neededValues(graph: GraphProto): ReadonlySet<string> {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node])));
  const needed = new Set(graph.output.map(({ name }) => name));
  // A set goes on to what is added while it is gone through.
  for (const name of needed) {
    const node = producers.get(name);
    for (const read of node === undefined ? [] : inputsOf(node)) {
      needed.add(read);
    }
  }
  return needed;
}

/** The inputs that an output needs; all, where none needs any. */
export function neededInputs(model: Model): DeclaredInput[] {
  const inputs = model.declaredInputs();
  const values = neededValues(model.graph);
  const needed = inputs.filter(({ name }) => values.has(name));
  return needed.length > 0 ? needed : inputs;
}
