import { create } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType as Type, AttributeProtoSchema } from "onnx-buf";
import { expect, it } from "vitest";
import { gradientsOf, resolved } from "../../../../test/support/gradients-of.ts";
import {
  floats,
  graph,
  graphAttribute,
  modelProto,
  node,
} from "../../../../test/support/model-proto.ts";
import { makeTensor } from "../model/tensor.ts";

const at = { x: [0.5, -1, 2] };
const x = { x: [3] };
const truth = (name: string, value: boolean) => makeTensor(name, "bool", [], [Number(value)]);

/** An If with branches of one output each. */
function choose(
  condition: string,
  output: string,
  yes: ReturnType<typeof graph>,
  no: ReturnType<typeof graph>,
) {
  const branches = [graphAttribute("then_branch", yes), graphAttribute("else_branch", no)];
  return node("If", [condition], [output], branches);
}

const unary = (operator: string) => graph([node(operator, ["x"], ["h"])], ["h"]);

it.each([
  [true, [-2, -2, -2]],
  [false, at.x.map((v) => Math.exp(v) - 1)],
])("takes the branch of %s, of which names are also used outside", async (value, expected) => {
  const nodes = [
    node("Identity", ["x"], ["h"]),
    choose("c", "k", unary("Neg"), unary("Exp")),
    node("Sub", ["k", "h"], ["y"]),
  ];
  const proto = modelProto(x, nodes, ["y"], { initializer: [truth("c", value)] });
  const { model } = await resolved(proto);
  expect(model.graph.node.map(({ opType }) => opType)).not.toContain("If");
  const { x_grad } = await gradientsOf(proto, at);
  x_grad?.forEach((v, i) => expect(v).toBeCloseTo(expected[i] as number, 5));
});

it("takes branches within branches, whose conditions and weights are their own", async () => {
  const inner = graph(
    [choose("d", "k", unary("Exp"), graph([node("Mul", ["x", "w"], ["h"])], ["h"]))],
    ["k"],
    [truth("d", false), floats("w", [3], [2, 3, 4])],
  );
  const nodes = [
    node("Constant", [], ["c"], [valueAttribute(true)]),
    choose("c", "h", inner, unary("Neg")),
    node("Mul", ["h", "h"], ["y"]),
  ];
  const { x_grad } = await gradientsOf(modelProto(x, nodes, ["y"]), at);
  expect(x_grad).toEqual([2 * 4 * 0.5, 2 * 9 * -1, 2 * 16 * 2]);
});

it("takes a branch that gives a value from outside, or a weight", async () => {
  const nodes = [
    choose("c", "a", graph([], ["x"]), unary("Neg")),
    choose("d", "b", unary("Neg"), graph([], ["w"], [floats("w", [3], [2, 3, 4])])),
    node("Mul", ["a", "b"], ["y"]),
  ];
  const initializer = [truth("c", true), truth("d", false)];
  const { x_grad } = await gradientsOf(modelProto(x, nodes, ["y"], { initializer }), at);
  expect(x_grad).toEqual([2, 3, 4]);
});

it("takes the branch of a condition that depends on dims alone", async () => {
  const nodes = [
    node("Shape", ["x"], ["shape"]),
    node("ReduceProd", ["shape"], ["count"], { keepdims: 0 }),
    node("Greater", ["count", "two"], ["c"]),
    // The ranks of the branches differ, so that nothing is known of y before.
    choose(
      "c",
      "h",
      graph([node("Unsqueeze", ["x", "zero"], ["u"])], ["u"]),
      graph([node("Neg", ["x"], ["n"])], ["n"]),
    ),
    node("Mul", ["h", "h"], ["y"]),
  ];
  const initializer = [makeTensor("two", "int64", [], [2]), makeTensor("zero", "int64", [1], [0])];
  const proto = modelProto(x, nodes, ["y"], { initializer });
  const { types } = await resolved(proto);
  expect(types.get("y")?.dims).toEqual([1, 3]);
  expect((await gradientsOf(proto, at))["x_grad"]).toEqual(at.x.map((v) => 2 * v));
});

it("leaves computed conditions, which are refused on a path and pass beside it", async () => {
  const nodes = [
    node("ReduceSum", ["x"], ["sum"], { keepdims: 0 }),
    node("Greater", ["sum", "zero"], ["c"]),
    choose("c", "chosen", unary("Neg"), unary("Exp")),
    node("Mul", ["x", "x"], ["y"]),
  ];
  const initializer = [floats("zero", [], [0])];
  const proto = modelProto(x, nodes, ["chosen", "y"], { initializer });
  await expect(gradientsOf(proto, at, { outputs: ["chosen"] })).rejects.toMatchObject({
    code: "ERR_UNSUPPORTED_OPERATOR",
    nodes: [
      {
        nodeName: "chosen_node",
        opType: "If",
        reason: expect.stringContaining("its condition is computed") as string,
      },
    ],
  });
  const { x_grad, chosen } = await gradientsOf(proto, at, { outputs: ["y"] });
  expect(x_grad).toEqual(at.x.map((v) => 2 * v));
  expect(chosen).toEqual(at.x.map((v) => -v));
});

function valueAttribute(value: boolean) {
  const t = truth("", value);
  return create(AttributeProtoSchema, { name: "value", type: Type.TENSOR, t });
}
