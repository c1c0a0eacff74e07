import { describe, expect, it } from "vitest";
import { create } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType as Type, AttributeProtoSchema } from "onnx-buf";
import { evaluate, resolved } from "../../../../test/support/gradients-of.ts";
import {
  floats,
  localFunction,
  modelProto,
  node,
  stringsAttribute,
} from "../../../../test/support/model-proto.ts";

const domain = "ai.onnx.preview.training";

/** A Gradient node; its inputs are the values it names, if no others are given. */
function gradient(
  xs: readonly string[],
  y: string,
  outputs: readonly string[],
  { zs = [] as readonly string[], at = [...xs, ...zs] as readonly string[] } = {},
) {
  return node(`${domain}.Gradient`, at, outputs, [
    stringsAttribute("xs", xs),
    ...(zs.length > 0 ? [stringsAttribute("zs", zs)] : []),
    create(AttributeProtoSchema, {
      name: "y",
      type: Type.STRING,
      s: new TextEncoder().encode(y) as Uint8Array<ArrayBuffer>,
    }),
  ]);
}

const model = (...parameters: Parameters<typeof modelProto>) =>
  modelProto(parameters[0], parameters[1], parameters[2], {
    opset: 12,
    domains: [domain],
    ...parameters[3],
  });

const run = async (proto: ReturnType<typeof model>, values: Record<string, number[]>) =>
  await evaluate(await resolved(proto), values);

describe("the test models of ONNX", () => {
  it("gradient_of_add", async () => {
    const nodes = [node("Add", ["a", "b"], ["c"]), gradient(["a", "b"], "c", ["dc_da", "dc_db"])];
    const proto = model({ a: [], b: [] }, nodes, ["c", "dc_da", "dc_db"]);
    expect(await run(proto, { a: [3], b: [2] })).toEqual({ c: [5], dc_da: [1], dc_db: [1] });
    const { proto: expanded } = (await resolved(proto)).model;
    expect(expanded.opsetImport.map((o) => o.domain)).toEqual([""]);
  });

  it("gradient_of_add_and_mul", async () => {
    const nodes = [
      node("Add", ["a", "b"], ["c"]),
      node("Mul", ["c", "a"], ["d"]),
      gradient(["a", "b"], "d", ["dd_da", "dd_db"]),
    ];
    const proto = model({ a: [], b: [] }, nodes, ["d", "dd_da", "dd_db"]);
    expect(await run(proto, { a: [3], b: [2] })).toEqual({ d: [15], dd_da: [8], dd_db: [3] });
  });
});

it("needs nothing but its own results as outputs", async () => {
  const nodes = [node("Mul", ["x", "x"], ["y"]), gradient(["x"], "y", ["dx"])];
  expect(await run(model({ x: [3] }, nodes, ["dx"]), { x: [1, -2, 3] })).toEqual({
    dx: [2, -4, 6],
  });
});

it("gives the gradient at other values than those of the graph", async () => {
  // The specification's H_1 and Z_1: y = h·h·z with h = eˣ in the graph, at x₁ and z₁ instead.
  const nodes = [
    node("Exp", ["x"], ["h"]),
    node("Mul", ["h", "h"], ["square"]),
    node("Mul", ["square", "z"], ["y"]),
    gradient(["h"], "y", ["dh"], { zs: ["z"], at: ["h1", "z1"] }),
  ];
  const inputs = { x: [2], z: [2], h1: [2], z1: [2] };
  const found = await run(model(inputs, nodes, ["y", "dh"]), {
    x: [0, 1],
    z: [1, 1],
    h1: [3, 5],
    z1: [7, 11],
  });
  expect(found["dh"]).toEqual([2 * 3 * 7, 2 * 5 * 11]);
  expect(found["y"]?.[0]).toBe(1);
});

it("holds what zs names fixed, though it is computed from xs", async () => {
  const nodes = [
    node("Mul", ["x", "x"], ["h"]),
    node("Mul", ["h", "x"], ["y"]),
    gradient(["x"], "y", ["partial"], { zs: ["h"] }),
  ];
  const found = await run(model({ x: [2] }, nodes, ["partial"]), { x: [3, 5] });
  expect(found["partial"]).toEqual([9, 25]);
});

it("gives zeros where y does not depend on x, and leaves out what nobody asks for", async () => {
  const nodes = [node("Neg", ["a"], ["y"]), gradient(["a", "b"], "y", ["", "db"])];
  const found = await run(model({ a: [2], b: [3] }, nodes, ["y", "db"]), {});
  expect(found["db"]).toEqual([0, 0, 0]);
});

it("may be of a gradient: higher orders", async () => {
  const nodes = [
    node("Mul", ["x", "x"], ["h"]),
    node("Mul", ["h", "x"], ["y"]),
    gradient(["x"], "y", ["first"]),
    gradient(["x"], "first", ["second"]),
    gradient(["x"], "second", ["third"]),
  ];
  const proto = model({ x: [2] }, nodes, ["first", "second", "third"]);
  expect(await run(proto, { x: [2, -1] })).toEqual({
    first: [12, 3],
    second: [12, -6],
    third: [6, 6],
  });
});

it("may be in a function, and go through operators that have a function body", async () => {
  const slope = localFunction(
    "my.Slope",
    ["a"],
    ["da"],
    [
      node("MeanVarianceNormalization", ["a"], ["b"], { axes: [0] }),
      node("Mul", ["b", "w"], ["y"]),
      gradient(["a"], "y", ["da"]),
    ],
    { opset: 13 },
  );
  slope.node.unshift(node("Constant", [], ["w"], { value_floats: undefined }));
  slope.node[0]?.attribute.push(
    create(AttributeProtoSchema, { name: "value_floats", type: Type.FLOATS, floats: [1, 2, 4] }),
  );
  const proto = model({ x: [3] }, [node("my.Slope", ["x"], ["dx"])], ["dx"], {
    opset: 13,
    domains: [domain, "my"],
    functions: [slope],
  });
  const { dx } = await run(proto, { x: [1, 2, 4] });
  // The gradient of a normalization has no mean, and is orthogonal to its input.
  expect(dx?.reduce((sum, v) => sum + v)).toBeCloseTo(0, 5);
  expect((dx?.[0] ?? 0) + 2 * (dx?.[1] ?? 0) + 4 * (dx?.[2] ?? 0)).toBeCloseTo(0, 5);
});

it("is refused with inputs that do not match, and with operators that have no gradient", async () => {
  const nodes = [node("Neg", ["a"], ["y"]), gradient(["a"], "y", ["da"], { at: ["a", "a"] })];
  await expect(resolved(model({ a: [2] }, nodes, ["da"]))).rejects.toMatchObject({
    code: "ERR_GRADIENT_NODE",
    message: expect.stringContaining("'da_node'") as string,
  });
  const pooled = [
    node("MaxRoiPool", ["a", "rois"], ["y"], { pooled_shape: [1, 1] }),
    gradient(["a"], "y", ["da"]),
  ];
  const initializer = [floats("rois", [1, 5], [0, 0, 0, 1, 1])];
  await expect(
    resolved(model({ a: [1, 1, 2, 2] }, pooled, ["da"], { initializer })),
  ).rejects.toMatchObject({
    code: "ERR_UNSUPPORTED_OPERATOR",
    nodes: [{ nodeName: "y_node", opType: "MaxRoiPool" }],
  });
});
