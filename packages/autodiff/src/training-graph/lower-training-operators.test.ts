import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { evaluate } from "../../../../test/support/gradients-of.ts";
import {
  floats,
  graph,
  graphAttribute,
  modelProto,
  node,
} from "../../../../test/support/model-proto.ts";
import { readModel } from "../model/read-model.ts";
import { importTrainingGraph } from "./import-training-graph.ts";

it("gives branches what stood-in values really are", async () => {
  const branch = (factor: number) =>
    graph(
      [node("Mul", ["dx", "factor"], ["scaled"])],
      ["scaled"],
      [floats("factor", [], [factor])],
    );
  const nodes = [
    node("Relu", ["x"], ["y"]),
    node("com.microsoft.ReluGrad", ["y_grad", "y"], ["dx"]),
    node("ReduceSum", ["y_grad"], ["sum"], { keepdims: 0 }),
    node("Greater", ["sum", "zero"], ["condition"]),
    node(
      "If",
      ["condition"],
      ["x_grad"],
      [graphAttribute("then_branch", branch(1)), graphAttribute("else_branch", branch(2))],
    ),
  ];
  const proto = modelProto({ x: [3], y_grad: [3] }, nodes, ["y", "x_grad"], {
    initializer: [floats("zero", [], [0])],
    domains: ["com.microsoft"],
  });
  const { resolved } = await importTrainingGraph(
    await readModel(toBinary(ModelProtoSchema, proto)),
    ort,
    { image: { name: "x", dims: [3] }, scores: { name: "y", dims: [3], dtype: "float32" } },
  );
  const x = [1, -1, 2];
  const positive = await evaluate(resolved, { x, y_grad: [3, 4, 5] });
  expect(positive["x_grad"]).toEqual([3, 0, 5]);
  const negative = await evaluate(resolved, { x, y_grad: [-3, -4, -5] });
  expect(negative["x_grad"]).toEqual([-6, 0, -10]);
});
