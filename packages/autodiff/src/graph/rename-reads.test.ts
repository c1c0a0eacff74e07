import type { GraphProto, NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import {
  floats,
  graph,
  graphAttribute,
  node,
  stringsAttribute,
} from "../../../../test/support/model-proto.ts";
import { inputsOf } from "./inputs-of.ts";
import { NameAuthority } from "./name-authority.ts";
import { namesOf } from "./names-of.ts";
import { renameReads } from "./rename-reads.ts";
import { subgraphsOf } from "./subgraphs.ts";
import { valueInfo } from "./value-info.ts";

const formal = (name: string) => valueInfo({ name, dtype: "float32", dims: [2] });

/** A node with a subgraph; operators do not matter here. */
const around = (output: string, body: GraphProto, input: readonly string[] = []) =>
  node("Loop", input, [output], [graphAttribute("body", body)]);

function rename(nodes: readonly NodeProto[], renamed: Readonly<Record<string, string>>): void {
  renameReads(
    nodes,
    new Map(Object.entries(renamed)),
    new NameAuthority(namesOf(graph(nodes, []))),
  );
}

const bodyOf = (outer: NodeProto) => subgraphsOf(outer)[0] as GraphProto;

describe("renameReads", () => {
  it("renames inputs, and leaves results and omitted inputs", () => {
    const nodes = [node("Sum", ["a", "", "b", "a"], ["c"]), node("Neg", ["c"], ["a"])];
    rename(nodes, { a: "z", c: "y" });
    expect(nodes.map(({ input }) => input)).toEqual([["z", "", "b", "z"], ["y"]]);
    expect(nodes.map(({ output }) => output)).toEqual([["c"], ["a"]]);
  });

  it("swaps", () => {
    const nodes = [node("Sub", ["a", "b"], ["c"])];
    rename(nodes, { a: "b", b: "a" });
    expect(nodes[0]?.input).toEqual(["b", "a"]);
  });

  it("renames what subgraphs capture, however deep, and what they hand on", () => {
    const inner = around("i", graph([node("Neg", ["a"], ["n"])], ["n", "a"]));
    const outer = around("o", graph([inner, node("Abs", ["a"], ["m"])], ["i", "m"]));
    rename([outer], { a: "z" });
    expect(inputsOf(outer)).toEqual(["z", "z", "z"]);
    expect(bodyOf(inner).output.map(({ name }) => name)).toEqual(["n", "z"]);
  });

  it.each<[string, GraphProto]>([
    ["an input", graph([node("Neg", ["a"], ["n"])], ["n"], [], [formal("a")])],
    ["an initializer", graph([node("Neg", ["a"], ["n"])], ["n"], [floats("a", [2], [1, 2])])],
    ["a result", graph([node("Neg", ["b"], ["a"]), node("Abs", ["a"], ["n"])], ["n"])],
  ])("leaves %s of a subgraph that has the name, in subgraphs of it too", (_, body) => {
    body.node.push(around("k", graph([node("Abs", ["a"], ["l"])], ["l"])));
    const before = structuredClone(body);
    rename([around("o", body)], { a: "z" });
    expect(body).toEqual(before);
  });

  it.each<[string, GraphProto]>([
    ["an input", graph([node("Add", ["a", "z"], ["n"])], ["n", "z"], [], [formal("z")])],
    [
      "an initializer",
      graph([node("Add", ["a", "z"], ["n"])], ["n", "z"], [floats("z", [2], [1, 2])]),
    ],
    ["a result", graph([node("Neg", ["b"], ["z"]), node("Add", ["a", "z"], ["n"])], ["n", "z"])],
  ])("moves %s of a subgraph out of the way that has the new name", (_, body) => {
    body.node.push(around("k", graph([node("Add", ["a", "z"], ["l"])], ["l"])));
    const outer = around("o", body, ["z", "z_1"]);
    rename([outer], { a: "z" });
    const own = [...body.input, ...body.initializer].map(({ name }) => name);
    expect([...own, ...body.node.flatMap(({ output }) => output)]).toContain("z_2");
    expect(body.node.find(({ opType }) => opType === "Add")?.input).toEqual(["z", "z_2"]);
    expect(bodyOf(body.node.at(-1) as NodeProto).node[0]?.input).toEqual(["z", "z_2"]);
    expect(body.output.map(({ name }) => name)).toEqual(["n", "z_2"]);
    expect(outer.input).toEqual(["z", "z_1"]);
  });

  it("renames what a Gradient node names in its attributes", () => {
    const gradient = node(
      "ai.onnx.preview.training.Gradient",
      ["a"],
      ["da"],
      [stringsAttribute("xs", ["a"]), stringsAttribute("zs", ["b"])],
    );
    rename([gradient], { a: "z" });
    expect(inputsOf(gradient)).toEqual(["z", "z", "b", ""]);
  });
});

describe("inputsOf", () => {
  it("leaves out what a subgraph has itself, also where the node gives a value of that name", () => {
    const body = graph(
      [node("Mul", ["i", "w"], ["y"]), node("Add", ["y", "a"], ["s"])],
      ["y", "s"],
      [floats("w", [2], [1, 2])],
      [formal("i")],
    );
    expect(inputsOf(around("y", body, ["x"]))).toEqual(["x", "a"]);
  });
});
