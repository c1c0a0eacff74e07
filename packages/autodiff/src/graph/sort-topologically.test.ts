import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type NodeProto,
} from "onnx-buf";
import { expect, it } from "vitest";
import { inputsOf } from "./inputs-of.ts";
import { sortTopologically } from "./sort-topologically.ts";

const node = (output: string, input: readonly string[], subgraph?: GraphProto): NodeProto =>
  create(NodeProtoSchema, {
    name: output,
    opType: "Sum",
    input: [...input],
    output: [output],
    attribute: subgraph ? [create(AttributeProtoSchema, { name: "body", g: subgraph })] : [],
  });

const graph = (
  nodes: readonly NodeProto[],
  outputs: readonly string[],
  initializers: readonly string[] = [],
): GraphProto =>
  create(GraphProtoSchema, {
    node: [...nodes],
    output: outputs.map((name) => create(ValueInfoProtoSchema, { name })),
    initializer: initializers.map((name) => create(TensorProtoSchema, { name })),
  });

function sorted(...parameters: Parameters<typeof graph>): string[] {
  const result = graph(...parameters);
  sortTopologically(result);
  return result.node.map(({ name }) => name);
}

it("keeps an order that is right", () => {
  const nodes = [node("c", ["x"]), node("a", ["x"]), node("b", ["x"]), node("d", ["b", "c", "a"])];
  expect(sorted(nodes, ["d"])).toEqual(["c", "a", "b", "d"]);
});

it("puts producers first", () => {
  const nodes = [node("d", ["b", "c"]), node("c", ["a"]), node("b", ["a"]), node("a", ["x"])];
  const order = sorted(nodes, ["d"]);
  expect(order[0]).toBe("a");
  expect(order.at(-1)).toBe("d");
  expect(order.toSorted()).toEqual(["a", "b", "c", "d"]);
});

it("drops nodes and initializers that no output needs", () => {
  const nodes = [node("a", ["x", "w"]), node("dead", ["a", "v"]), node("deader", ["dead"])];
  const result = graph(nodes, ["a", "direct"], ["w", "v", "direct"]);
  sortTopologically(result);
  expect(result.node.map(({ name }) => name)).toEqual(["a"]);
  expect(result.initializer.map(({ name }) => name)).toEqual(["w", "direct"]);
});

it("counts what subgraphs capture, however deep", () => {
  const inner = graph([node("i", ["captured", "w"])], ["i"]);
  const outer = graph([node("o", [], inner)], ["o"]);
  const nodes = [node("y", ["x"], outer), node("captured", ["x"])];
  const result = graph(nodes, ["y"], ["w", "unused"]);
  expect(inputsOf(nodes[0] as NodeProto)).toContain("captured");
  sortTopologically(result);
  expect(result.node.map(({ name }) => name)).toEqual(["captured", "y"]);
  expect(result.initializer.map(({ name }) => name)).toEqual(["w"]);
});

it("passes omitted inputs and outputs by", () => {
  const two = node("b", ["a", "", "w"]);
  two.output = ["b", ""];
  const one = node("a", ["x"]);
  one.output = ["", "a"];
  expect(sorted([two, one], ["b"])).toEqual(["a", "b"]);
});

it("sorts 50,000 nodes in a chain, given backwards", () => {
  const chain = Array.from({ length: 50_000 }, (_, i) => node(`n${i + 1}`, [`n${i}`]));
  const order = sorted(chain.toReversed(), ["n50000"]);
  expect(order).toEqual(chain.map(({ name }) => name));
});

it("sorts many readers of many values", () => {
  const layers = Array.from({ length: 100 }, (_, layer) =>
    Array.from({ length: 20 }, (__, i) =>
      node(
        `${layer}.${i}`,
        Array.from({ length: 20 }, (___, k) => `${layer - 1}.${k}`),
      ),
    ),
  );
  const order = sorted(layers.flat().toReversed(), ["99.0"]);
  expect(order).toHaveLength(99 * 20 + 1);
});

it.each([
  ["a node that reads itself", [node("a", ["a"])], ["a"]],
  ["two nodes", [node("a", ["b"]), node("b", ["a"])], ["a"]],
  [
    "a loop behind a tail",
    [node("t", ["a"]), node("a", ["x", "c"]), node("b", ["a"]), node("c", ["b", "x"])],
    ["t"],
  ],
  [
    "a loop through a subgraph",
    [node("a", [], graph([node("i", ["b"])], ["i"])), node("b", ["a"])],
    ["b"],
  ],
] as const)("refuses %s", (_, nodes, outputs) => {
  expect(() => sorted(nodes, outputs)).toThrow(
    expect.objectContaining({ code: "ERR_MODEL_CYCLE" }),
  );
});

it("sorts any shuffled graph", () => {
  const edges = fc.array(fc.tuple(fc.nat(29), fc.nat(29)), { maxLength: 90 });
  const shuffled = fc.shuffledSubarray([...Array(30).keys()], { minLength: 30 });
  fc.assert(
    fc.property(edges, shuffled, (pairs, order) => {
      const reads = (i: number) =>
        pairs.flatMap(([a, b]) => (a !== b && Math.max(a, b) === i ? [`${Math.min(a, b)}`] : []));
      const names = sorted(
        order.map((i) => node(`${i}`, reads(i))),
        [...Array(30).keys()].map(String),
      );
      expect(names).toHaveLength(30);
      names.forEach((name, at) => {
        reads(Number(name)).forEach((read) => expect(names.indexOf(read)).toBeLessThan(at));
      });
    }),
  );
});
