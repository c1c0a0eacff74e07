import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  type FunctionProto,
  type NodeProto,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { gradientsOf, resolved } from "../../../../test/support/gradients-of.ts";
import {
  floats,
  graph,
  graphAttribute,
  localFunction,
  modelProto,
  node,
  reference,
} from "../../../../test/support/model-proto.ts";

const x = { x: [3] };
const at = { x: [0.5, -1, 2] };
const names = (nodes: readonly NodeProto[]) => nodes.map(({ name }) => name);

function model(nodes: readonly NodeProto[], functions: readonly FunctionProto[], opset = 17) {
  const domains = [...new Set(functions.map(({ domain }) => domain))];
  return modelProto(x, nodes, ["y"], { functions, domains, opset });
}

const square = localFunction("my.Square", ["a"], ["b"], [node("Mul", ["a", "a"], ["b"])]);

describe("calls", () => {
  it("are replaced by the body, whose names are the call's", async () => {
    const proto = model(
      [node("my.Square", ["x"], ["b"]), node("my.Square", ["b"], ["y"])],
      [square],
    );
    const { model: inlined } = await resolved(proto);
    expect(names(inlined.graph.node)).toEqual(["b_node/b_node", "y_node/b_node"]);
    expect(inlined.proto.functions).toEqual([]);
    expect(inlined.proto.opsetImport.map(({ domain }) => domain)).toEqual([""]);
    const { y, x_grad } = await gradientsOf(proto, at);
    expect(y).toEqual(at.x.map((v) => v ** 4));
    expect(x_grad).toEqual(at.x.map((v) => 4 * v ** 3));
  });

  it("may be nested, and functions of several domains", async () => {
    const cube = localFunction(
      "pkg.onnxscript.torch_lib.Cube",
      ["a"],
      ["c"],
      [node("my.Square", ["a"], ["b"]), node("Mul", ["b", "a"], ["c"])],
    );
    const proto = model([node("pkg.onnxscript.torch_lib.Cube", ["x"], ["y"])], [square, cube]);
    const { x_grad } = await gradientsOf(proto, at);
    expect(x_grad).toEqual(at.x.map((v) => 3 * v ** 2));
  });

  it("with the same names inside and outside do not mix them up", async () => {
    const swapped = localFunction(
      "my.Minus",
      ["x", "b"],
      ["y"],
      [node("Neg", ["b"], ["h"]), node("Add", ["x", "h"], ["y"])],
    );
    const proto = model(
      [
        node("Exp", ["x"], ["h"]),
        node("my.Minus", ["h", "x"], ["b"]),
        node("my.Minus", ["b", "h"], ["y"]),
      ],
      [swapped],
    );
    // y = (eˣ − x) − eˣ
    const { y, x_grad } = await gradientsOf(proto, at);
    y?.forEach((v, i) => expect(v).toBeCloseTo(-(at.x[i] as number), 5));
    x_grad?.forEach((v) => expect(v).toBeCloseTo(-1, 5));
  });

  it("go before operators of the same name, and are found by overload", async () => {
    const change = { overload: "twice" };
    const relu = localFunction("my.Relu", ["a"], ["b"], [node("Neg", ["a"], ["b"])]);
    const twice = localFunction("my.Relu", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], change);
    const proto = model(
      [node("my.Relu", ["x"], ["h"]), node("my.Relu", ["h"], ["y"], {}, change)],
      [relu, twice],
    );
    const { x_grad } = await gradientsOf(proto, at);
    expect(x_grad).toEqual([-2, -2, -2]);
  });

  it("in the branches of an If are replaced as well", async () => {
    const branch = (operator: string, output: string) =>
      graph([node(operator, ["x"], [output])], [output]);
    const choose = node(
      "If",
      ["positive"],
      ["aside"],
      [
        graphAttribute("then_branch", branch("my.Square", "t")),
        graphAttribute("else_branch", branch("Neg", "e")),
      ],
    );
    const proto = modelProto(
      x,
      [
        node("ReduceSum", ["x"], ["sum"], { keepdims: 0 }),
        node("Greater", ["sum", "zero"], ["positive"]),
        choose,
        node("my.Square", ["x"], ["y"]),
      ],
      ["y", "aside"],
      { functions: [square], domains: ["my"], initializer: [floats("zero", [], [0])] },
    );
    const { y, aside, x_grad } = await gradientsOf(proto, at, { outputs: ["y"] });
    expect(aside).toEqual(y);
    expect(x_grad).toEqual(at.x.map((v) => 2 * v));
  });
});

describe("attributes", () => {
  const attribute = create(AttributeProtoSchema, { name: "slope", type: Type.FLOAT, f: 0.5 });
  const body = [node("LeakyRelu", ["a"], ["b"], [reference("alpha", "slope")])];
  const call = (attributes = {}) => [node("my.Leaky", ["x"], ["y"], attributes)];
  const slopes = async (definition: FunctionProto, attributes = {}) =>
    (await gradientsOf(model(call(attributes), [definition]), at))["x_grad"];

  it("are the call's", async () => {
    const definition = localFunction("my.Leaky", ["a"], ["b"], body, { attribute: ["slope"] });
    expect(await slopes(definition, { slope: { float: 0.25 } })).toEqual([1, 0.25, 1]);
  });

  it("have the function's default, or else the operator's", async () => {
    const definition = localFunction("my.Leaky", ["a"], ["b"], body, {
      attributeProto: [attribute],
    });
    expect(await slopes(definition)).toEqual([1, 0.5, 1]);
    expect(await slopes(definition, { slope: { float: 0.25 } })).toEqual([1, 0.25, 1]);
    const bare = localFunction("my.Leaky", ["a"], ["b"], body, { attribute: ["slope"] });
    expect((await slopes(bare))?.[1]).toBeCloseTo(0.01, 6);
  });

  it("pass through nested calls", async () => {
    const inner = localFunction("my.Leaky", ["a"], ["b"], body, { attribute: ["slope"] });
    const outer = localFunction(
      "my.Outer",
      ["a"],
      ["b"],
      [node("my.Leaky", ["a"], ["b"], [reference("slope", "outer")])],
      { attributeProto: [create(AttributeProtoSchema, { ...attribute, name: "outer" })] },
    );
    const proto = model([node("my.Outer", ["x"], ["y"])], [inner, outer]);
    expect((await gradientsOf(proto, at))["x_grad"]).toEqual([1, 0.5, 1]);
  });
});

describe("inputs and outputs", () => {
  it("left out are left out of the body", async () => {
    const clip = localFunction(
      "my.Clip",
      ["a", "low", "high"],
      ["b", "c"],
      [node("Clip", ["a", "low", "high"], ["b"]), node("Neg", ["b"], ["c"])],
    );
    const proto = modelProto(x, [node("my.Clip", ["x", "", "one"], ["", "y"])], ["y"], {
      functions: [clip],
      domains: ["my"],
      initializer: [floats("one", [], [1])],
    });
    const { y, x_grad } = await gradientsOf(proto, at);
    expect(y).toEqual([-0.5, 1, -1]);
    expect(x_grad).toEqual([-1, -1, 0]);
  });

  it("may be one value", async () => {
    const same = localFunction("my.Same", ["a"], ["a"], []);
    const proto = model([node("my.Same", ["x"], ["h"]), node("Neg", ["h"], ["y"])], [same]);
    expect((await gradientsOf(proto, at))["x_grad"]).toEqual([-1, -1, -1]);
  });
});

describe("refusals", () => {
  const failing = async (...parameters: Parameters<typeof model>) =>
    expect(resolved(model(...parameters))).rejects;

  it("name the functions that call themselves", async () => {
    const a = localFunction("my.A", ["a"], ["b"], [node("my.B", ["a"], ["b"])]);
    const b = localFunction("my.B", ["a"], ["b"], [node("my.A", ["a"], ["b"])]);
    await (
      await failing([node("my.A", ["x"], ["y"])], [a, b])
    ).toMatchObject({
      code: "ERR_MODEL_FUNCTION",
      message: expect.stringContaining("'my.A' cannot be inlined: it calls itself (A → B → A)"),
    });
  });

  it("end bodies that grow without bound", async () => {
    const levels = Array.from({ length: 40 }, (_, i) =>
      localFunction(
        `my.F${i}`,
        ["a"],
        ["c"],
        i === 0
          ? [node("Neg", ["a"], ["c"])]
          : [node(`my.F${i - 1}`, ["a"], ["b"]), node(`my.F${i - 1}`, ["b"], ["c"])],
      ),
    );
    await (
      await failing([node("my.F39", ["x"], ["y"])], levels)
    ).toMatchObject({ code: "ERR_MODEL_FUNCTION" });
  });

  it("name an operator that cannot be brought to the newest opset of all", async () => {
    const body = (name: string, opset: number) =>
      localFunction(`my.${name}`, ["a"], ["b"], [node("Neg", ["a"], ["b"])], { opset });
    const scan = localFunction("my.Old", ["a"], ["b"], [node("Crop", ["a"], ["b"])], { opset: 9 });
    const calls = [node("my.Old", ["x"], ["z"]), node("my.New", ["z"], ["y"])];
    await (
      await failing(calls, [scan, body("New", 18)])
    ).toMatchObject({
      code: "ERR_OPSET",
      message: expect.stringMatching(
        /written in opset 18, but found Crop .* of opset 9: it was experimental/,
      ),
    });
    await (
      await failing(calls, [body("Old", 6), body("New", 18)])
    ).toMatchObject({ code: "ERR_OPSET" });
    expect(
      (await gradientsOf(model(calls, [body("Old", 9), body("New", 18)]), at))["x_grad"],
    ).toEqual([1, 1, 1]);
  });

  it("name a function that is given twice", async () => {
    await (
      await failing([node("my.Square", ["x"], ["y"])], [square, square])
    ).toMatchObject({ message: expect.stringContaining("is given twice") });
  });
});
