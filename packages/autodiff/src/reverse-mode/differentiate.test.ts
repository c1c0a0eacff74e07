import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { differentiate, type DifferentiateOptions } from "./differentiate.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { writeModel } from "../model/write-model.ts";

const x0 = Float32Array.of(0.5, -1, 2, 3);

/** Builds a graph on x (float32 [4]) and runs its derivative with upstream gradients of 1. */
async function gradients(
  body: (b: GraphBuilder, x: Value) => Record<string, Value>,
  options: DifferentiateOptions = {},
): Promise<Record<string, number[]>> {
  const b = GraphBuilder.empty();
  const outputs = body(b, b.input("x", { dtype: "float32", dims: [4] }));
  for (const [name, value] of Object.entries(outputs)) {
    b.output(value, name);
  }
  const derived = differentiate(b.build(), options);
  const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
  const feeds: Record<string, ort.Tensor> = { x: new ort.Tensor("float32", x0, [4]) };
  for (const { name } of derived.model.graph.input.filter((input) => input.name !== "x")) {
    const dims = derived.types.get(name)?.dims ?? [];
    feeds[name] = new ort.Tensor(
      "float32",
      new Float32Array(dims.reduce((n, d) => n * d, 1)).fill(1),
      dims,
    );
  }
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, [...(tensor.data as Float32Array)]]),
  );
}

/** Equal to about five significant digits. */
const close = (values: number[]) =>
  values.map((v) => expect.closeTo(v, 4 - Math.ceil(Math.log10(Math.abs(v) + 1))) as number);

describe("the reverse sweep", () => {
  it("adds the gradients of a value that is used three times", async () => {
    const { x_grad } = await gradients((b, x) => ({
      y: b.op("Add", [b.op("Mul", [x, x]), b.op("Neg", [x])]),
    }));
    expect(x_grad).toEqual(close([...x0].map((v) => 2 * v - 1)));
  });

  it("goes through both sides of a diamond and past a dead branch", async () => {
    const { x_grad, unused } = await gradients(
      (b, x) => {
        const e = b.op("Exp", [x]);
        return { y: b.op("Mul", [b.op("Sin", [e]), b.op("Cos", [e])]), unused: b.op("Sqrt", [e]) };
      },
      { outputs: ["y"] },
    );
    expect(x_grad).toEqual(close([...x0].map((v) => Math.exp(v) * Math.cos(2 * Math.exp(v)))));
    expect(unused).toHaveLength(4);
  });

  it("passes operators of zero gradient by", async () => {
    const { x_grad } = await gradients((b, x) => ({ y: b.op("Mul", [x, b.op("Floor", [x])]) }));
    expect(x_grad).toEqual(close([...x0].map(Math.floor)));
  });

  it("differentiates an output that later nodes read, and several outputs at once", async () => {
    const { x_grad } = await gradients(
      (b, x) => {
        const y = b.op("Mul", [x, x], {}, "y");
        return { y, z: b.op("Exp", [y]) };
      },
      { outputs: ["y", "z"] },
    );
    expect(x_grad).toEqual(close([...x0].map((v) => 2 * v + 2 * v * Math.exp(v * v))));
  });

  it("differentiates with respect to inner values", async () => {
    const { inner_grad } = await gradients(
      (b, x) => ({ y: b.op("Exp", [b.op("Mul", [x, b.scalar(2)], {}, "inner")]) }),
      { inputs: ["inner"] },
    );
    expect(inner_grad).toEqual(close([...x0].map((v) => Math.exp(2 * v))));
  });

  it("keeps clear of names that are taken", async () => {
    const b = GraphBuilder.empty();
    const x = b.input("x", { dtype: "float32", dims: [4] });
    const taken = b.op("Neg", [x], {}, "x_grad");
    b.output(b.op("Mul", [taken, b.op("Exp", [x], {}, "y_grad")]), "y");
    const { graph } = differentiate(b.build()).model;
    const names = graph.node.flatMap((node) => node.output);
    expect(new Set(names).size).toBe(names.length);
    expect(graph.node.every((node) => node.name !== "" && node.domain === "")).toBe(true);
  });
});

describe("what cannot be differentiated", () => {
  function build(body: (b: GraphBuilder, x: Value) => Value) {
    const b = GraphBuilder.empty();
    b.output(body(b, b.input("x", { dtype: "float32", dims: [4] })), "y");
    return b.build();
  }

  it("is listed all at once, with the nearest value that can be", () => {
    const resolved = build((b, x) => {
      const fine = b.op("Exp", [x], {}, "fine");
      return b.op("Add", [b.op("Sin", [b.op("Cos", [fine])]), b.op("Sin", [fine])]);
    });
    resolved.model.graph.node
      .filter((node) => node.opType === "Sin")
      .forEach((node, i) => {
        node.opType = ["Scan", "Frobnicate"][i] as string;
      });
    expect(() => differentiate(resolved)).toThrow(
      expect.objectContaining({
        code: "ERR_UNSUPPORTED_OPERATOR",
        nearestOutput: expect.stringMatching(/Cos|fine/) as string,
        nodes: [
          expect.objectContaining({ opType: "Scan", opset: 17 }),
          expect.objectContaining({ opType: "Frobnicate", reason: "no rule" }),
        ],
      }),
    );
  });

  it("is refused when it belongs to another domain", () => {
    const resolved = build((b, x) => b.op("Neg", [x]));
    (resolved.model.graph.node[0] as { domain: string }).domain = "com.example";
    expect(() => differentiate(resolved)).toThrow(/domain 'com\.example'/);
  });

  it("says when no gradient arrives", () => {
    const resolved = build((b, x) => b.op("Floor", [x]));
    expect(() => differentiate(resolved)).toThrow(
      expect.objectContaining({ code: "ERR_NO_GRADIENT" }),
    );
  });

  it("names values that the model lacks", () => {
    const resolved = build((b, x) => b.op("Neg", [x]));
    expect(() => differentiate(resolved, { outputs: ["nothing"] })).toThrow(
      expect.objectContaining({ code: "ERR_UNKNOWN_VALUE" }),
    );
  });
});
