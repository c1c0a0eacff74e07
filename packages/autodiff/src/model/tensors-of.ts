import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
} from "./onnx-messages.ts";

/** Every tensor of a model: initializers and tensors in attributes; subgraphs and functions included. */
export function* tensorsOf(model: ModelProto): Generator<TensorProto> {
  if (model.graph) {
    yield* tensorsOfGraph(model.graph);
  }
  for (const definition of model.functions) {
    yield* tensorsOfNodes(definition.node);
  }
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { values, indices } of graph.sparseInitializer) {
    yield* [values, indices].filter((tensor) => tensor !== undefined);
  }
  yield* tensorsOfNodes(graph.node);
}

function* tensorsOfNodes(nodes: readonly NodeProto[]): Generator<TensorProto> {
  for (const node of nodes) {
    for (const attribute of node.attribute) {
      yield* tensorsOfAttribute(attribute);
    }
  }
}

function* tensorsOfAttribute(attribute: AttributeProto): Generator<TensorProto> {
  const sparse = [attribute.sparseTensor, ...attribute.sparseTensors];
  const own = [
    attribute.t,
    ...attribute.tensors,
    ...sparse.flatMap((s) => [s?.values, s?.indices]),
  ];
  yield* own.filter((tensor) => tensor !== undefined);
  for (const subgraph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
    yield* tensorsOfGraph(subgraph);
  }
}
