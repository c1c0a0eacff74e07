import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProto, type ModelProto } from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { evaluate, resolved } from "../../../../test/support/gradients-of.ts";
import {
  floats,
  graph,
  graphAttribute,
  modelProto,
  node,
} from "../../../../test/support/model-proto.ts";
import { makeTensor } from "../model/tensor.ts";
import { readModel } from "../model/read-model.ts";
import { resolve } from "../resolve/resolve.ts";
import { vectorJacobianProduct } from "../reverse-mode/vector-jacobian-product.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { valueInfo } from "./value-info.ts";

const x = { x: [3] };
const at = [0.5, -1, 2];

/** An If whose condition is whether the image is bright. */
function ifBright(output: string, yes: GraphProto, no: GraphProto) {
  const branches = [graphAttribute("then_branch", yes), graphAttribute("else_branch", no)];
  return [
    node("ReduceSum", ["x"], [`${output}_sum`], { keepdims: 0 }),
    node("Greater", [`${output}_sum`, "zero"], [`${output}_bright`]),
    node("If", [`${output}_bright`], [output], branches),
  ];
}

const unary = (opType: string, made = "made", read = "x") =>
  graph([node(opType, [read], [made])], [made]);

const withZero = (nodes: Parameters<typeof modelProto>[1], outputs: readonly string[]) =>
  modelProto(x, nodes, outputs, { initializer: [floats("zero", [], [0])] });

/** How often a loop runs, and the dims of what it gives, which a runtime does not infer. */
const loopNumbers = [makeTensor("twice", "int64", [], [2]), makeTensor("three", "int64", [1], [3])];

/** The model behind 2·image, with the gradient of y by the image. */
async function behindDouble(proto: ModelProto, inputName = "image") {
  const b = new GraphBuilder(await resolved(proto));
  const image = b.input(inputName, { dtype: "float32", dims: [3] });
  b.prepend(() => b.replaceInput(b.value("x"), b.op("Mul", [image, b.scalar(2)])));
  const y = b.value("y");
  const [gradient] = vectorJacobianProduct(b, [{ value: y, upstream: b.fill(1, y) }], [image]);
  const output = b.output(gradient as typeof image, "gradient");
  const built = b.build();
  expect(built.model.graph.input.map(({ name }) => name)).toEqual([image.name]);
  const results = await evaluate(built, { [image.name]: at });
  return { y: results["y"], gradient: results[output.name] };
}

describe("replaceInput", () => {
  it("reaches branches that read the input beside the way of the gradient", async () => {
    const nodes = [
      ...ifBright("side", unary("Neg"), unary("Exp")),
      node("Floor", ["side"], ["whole"]),
      node("Mul", ["x", "x"], ["square"]),
      node("Add", ["square", "whole"], ["y"]),
    ];
    const { y, gradient } = await behindDouble(withZero(nodes, ["y"]));
    const doubled = at.map((v) => 2 * v);
    expect(y).toEqual(doubled.map((v) => v * v + Math.floor(-v)));
    expect(gradient).toEqual(doubled.map((v) => 4 * v));
  });

  it("reaches branches within branches and the bodies of loops", async () => {
    const nested = graph(
      ifBright("chosen", unary("Neg"), unary("Exp")).map((made, i) =>
        i === 0 ? node("ReduceMax", ["x"], ["chosen_sum"], { keepdims: 0 }) : made,
      ),
      ["chosen"],
    );
    const body = graph(
      [
        node("Identity", ["go"], ["go_on"]),
        node("Add", ["sum", "x"], ["partial"]),
        node("Floor", ["partial"], ["next"]),
      ],
      ["go_on", "next"],
      [],
      [
        valueInfo({ name: "i", dtype: "int64", dims: [] }),
        valueInfo({ name: "go", dtype: "bool", dims: [] }),
        valueInfo({ name: "sum", dtype: "float32", dims: [3] }),
      ],
    );
    const nodes = [
      ...ifBright("side", nested, unary("Exp")),
      node("Floor", ["side"], ["start"]),
      node("Floor", ["x"], ["whole"]),
      node("Loop", ["twice", "", "start"], ["final"], [graphAttribute("body", body)]),
      node("Reshape", ["final", "three"], ["looped"]),
      node("Sign", ["looped"], ["sign"]),
      node("Sum", ["x", "sign", "whole"], ["y"]),
    ];
    const proto = withZero(nodes, ["y"]);
    proto.graph?.initializer.push(...loopNumbers);
    const { y, gradient } = await behindDouble(proto);
    const doubled = at.map((v) => 2 * v);
    const looped = (v: number) => [1, 2].reduce((sum) => Math.floor(sum + v), Math.floor(-v));
    expect(y).toEqual(doubled.map((v) => v + Math.sign(looped(v)) + Math.floor(v)));
    expect(gradient).toEqual([2, 2, 2]);
  });

  it("leaves a loop's own input of the same name", async () => {
    const body = graph(
      [node("Identity", ["go"], ["go_on"]), node("Add", ["x", "x"], ["next"])],
      ["go_on", "next"],
      [],
      [
        valueInfo({ name: "i", dtype: "int64", dims: [] }),
        valueInfo({ name: "go", dtype: "bool", dims: [] }),
        valueInfo({ name: "x", dtype: "float32", dims: [3] }),
      ],
    );
    const nodes = [
      node("Loop", ["twice", "", "x"], ["final"], [graphAttribute("body", body)]),
      node("Reshape", ["final", "three"], ["looped"]),
      node("Sign", ["looped"], ["sign"]),
      node("Add", ["x", "sign"], ["y"]),
    ];
    const { y } = await behindDouble(modelProto(x, nodes, ["y"], { initializer: loopNumbers }));
    expect(y).toEqual(at.map((v) => 2 * v + Math.sign(v)));
  });
});

describe("names", () => {
  it("of inputs and outputs are none that only a branch uses", async () => {
    const nodes = [
      ...ifBright("side", unary("Neg", "attack/image"), unary("Exp", "gradient")),
      node("Floor", ["side"], ["whole"]),
      node("Add", ["x", "whole"], ["y"]),
    ];
    const b = new GraphBuilder(await resolved(withZero(nodes, ["y"])));
    expect(b.input("attack/image", { dtype: "float32", dims: [1] }).name).toBe("attack/image_1");
    expect(b.output(b.op("Neg", [b.value("y")]), "gradient").name).toBe("gradient_1");
    const { y, gradient } = await behindDouble(withZero(nodes, ["y"]), "attack/image");
    expect(y).toEqual(at.map((v) => 2 * v + Math.floor(-2 * v)));
    expect(gradient).toEqual([2, 2, 2]);
  });

  it("are told where the model has them already", async () => {
    const proto = modelProto(
      { "attack/image": [3] },
      [node("Neg", ["attack/image"], ["y"])],
      ["y"],
    );
    const b = new GraphBuilder(await resolved(proto));
    expect(b.input("attack/image", { dtype: "float32", dims: [3] }).name).toBe("attack/image_1");
    expect(b.output(b.op("Abs", [b.value("y")]), "attack/image").name).toBe("attack/image_2");
  });

  it("of a branch's result and of its If may be the same", async () => {
    const nodes = [
      ...ifBright("side", unary("Neg", "side"), unary("Abs", "side")),
      node("Floor", ["side"], ["whole"]),
      node("Add", ["x", "whole"], ["y"]),
    ];
    const { y } = await behindDouble(withZero(nodes, ["y"]));
    expect(y).toEqual(at.map((v) => 2 * v + Math.floor(-2 * v)));
  });
});

describe("output", () => {
  it("renames a value for its readers in branches too, and for what is appended later", async () => {
    const nodes = [
      node("Abs", ["x"], ["h"]),
      ...ifBright("side", unary("Neg", "made", "h"), unary("Exp", "made", "h")),
      node("Add", ["h", "side"], ["y"]),
    ];
    const b = new GraphBuilder(await resolved(withZero(nodes, ["y"])));
    const h = b.value("h");
    b.output(h, "hidden");
    b.output(b.op("Neg", [h]), "negative");
    const { y, hidden, negative } = await evaluate(b.build(), { x: at });
    expect(y).toEqual([0, 0, 0]);
    expect(hidden).toEqual([0.5, 1, 2]);
    expect(negative).toEqual([-0.5, -1, -2]);
  });
});

it("an integer image is read as integers in branches too", async () => {
  const nodes = [
    node("Cast", ["x"], ["f"], { to: 1 }),
    node("ReduceMax", ["f"], ["largest"], { keepdims: 0 }),
    node("Greater", ["largest", "zero"], ["bright"]),
    node(
      "If",
      ["bright"],
      ["side"],
      [
        graphAttribute(
          "then_branch",
          graph([node("BitShift", ["x", "x"], ["n"], { direction: "LEFT" })], ["n"]),
        ),
        graphAttribute("else_branch", graph([node("Identity", ["x"], ["n"])], ["n"])),
      ],
    ),
    node("Cast", ["side"], ["g"], { to: 1 }),
    node("Floor", ["g"], ["whole"]),
    node("Mul", ["f", "whole"], ["y"]),
  ];
  const proto = modelProto({}, nodes, ["y"], { initializer: [floats("zero", [], [0])] });
  proto.graph?.input.push(valueInfo({ name: "x", dtype: "uint8", dims: [1, 1, 3] }));
  const model = await resolve(await readModel(toBinary(ModelProtoSchema, proto)), ort);
  const b = new GraphBuilder(model);
  const y = b.value("y");
  const upstream = b.fill(1, y);
  const [gradient] = vectorJacobianProduct(b, [{ value: y, upstream }], [b.value("x")]);
  b.output(gradient as typeof y, "gradient");
  const results = await evaluate(b.build(), { x: [1, 2, 3] });
  expect(results["y"]).toEqual([1 * 2, 2 * 8, 3 * 24]);
  expect(results["gradient"]).toEqual([2, 8, 24]);
});

it("transposes back to the value itself", () => {
  const b = GraphBuilder.empty();
  const value = b.input("x", { dtype: "float32", dims: [2, 3, 4] });
  const turned = b.transpose(value, [1, 2, 0]);
  expect(b.transpose(turned, [2, 0, 1])).toEqual(value);
  expect(b.transpose(turned, [1, 2, 0]).dims).toEqual([4, 2, 3]);
  expect(b.graph.node).toHaveLength(2);
});
