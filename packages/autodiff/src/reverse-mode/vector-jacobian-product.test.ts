import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  differentiate,
  GraphBuilder,
  readModel,
  resolve,
  ResolvedModel,
  vectorJacobianProduct,
  type DifferentiateOptions,
  type Value,
} from "@onnx-asma/autodiff";
import { derive, run, tinyModel, type TinyModel } from "../../../../test/support/tiny-model.ts";
import { valueInfo } from "../graph/value-info.ts";

const data = [0.5, -1, 2, 3];

/** Results of a training graph at `data`, or at the values given; upstream gradients are 1. */
async function evaluate(
  derived: ResolvedModel,
  values: Readonly<Record<string, number[]>> = {},
): Promise<Record<string, number[]>> {
  checkGraph(derived);
  const feeds = Object.fromEntries(
    derived.model.graph.input.map(({ name }) => {
      const dims = derived.types.get(name)?.dims ?? [];
      const count = dims.reduce((n, d) => n * d, 1);
      const numbers = values[name] ?? (name.includes("_grad") ? data.map(() => 1) : data);
      return [name, new ort.Tensor("float32", numbers.slice(0, count), dims)];
    }),
  );
  const results = Object.entries(await run(derived, feeds));
  return Object.fromEntries(
    results.map(([name, tensor]) => [name, [...(tensor.data as Float32Array)]]),
  );
}

/** What every derived graph has to be, beside being accepted by a runtime. */
function checkGraph({ model, types }: ResolvedModel): void {
  const { node, input, output, initializer, valueInfo } = model.graph;
  const defined = new Set([...input, ...initializer].map(({ name }) => name));
  expect(defined.size).toBe(input.length + initializer.length);
  for (const { opType, domain, name, input: reads, output: makes } of node) {
    expect(domain, opType).toBe("");
    expect(name, opType).not.toBe("");
    reads.filter((read) => read !== "").forEach((read) => expect(defined).toContain(read));
    for (const made of makes.filter((value) => value !== "")) {
      expect(defined).not.toContain(made);
      defined.add(made);
    }
  }
  expect(new Set(node.map(({ name }) => name)).size).toBe(node.length);
  expect(new Set(output.map(({ name }) => name)).size).toBe(output.length);
  for (const { name, type } of [...output, ...valueInfo]) {
    expect(defined).toContain(name);
    const dims = type?.value.case === "tensorType" ? type.value.value.shape?.dim : undefined;
    expect(dims?.map(({ value }) => Number(value.value))).toEqual(types.get(name)?.dims);
  }
}

async function gradients(
  model: TinyModel,
  options: DifferentiateOptions = {},
): Promise<Record<string, number[]>> {
  const resolved = await resolve(await readModel(tinyModel(model)), ort);
  return await evaluate(differentiate(resolved, options));
}

const x = { dims: [4] };

describe("gradients", () => {
  it("of two inputs may be one value", async () => {
    const model: TinyModel = {
      inputs: { a: x, b: x, c: x },
      nodes: [
        ["Sum", ["a", "b", "c"], "s"],
        ["Mul", ["s", "s"], "y"],
      ],
    };
    const { a_grad, b_grad, c_grad } = await gradients(model, { inputs: ["a", "b", "c"] });
    expect(a_grad).toEqual(data.map((v) => 6 * v));
    expect([b_grad, c_grad]).toEqual([a_grad, a_grad]);
  });

  it("may be the upstream gradient itself", async () => {
    const model: TinyModel = { inputs: { a: x, b: x }, nodes: [["Add", ["a", "b"], "y"]] };
    const { a_grad, b_grad } = await gradients(model, { inputs: ["a", "b"] });
    expect([a_grad, b_grad]).toEqual([data.map(() => 1), data.map(() => 1)]);
  });

  it("of an output that is the input are the upstream gradient", async () => {
    const model: TinyModel = { inputs: { x }, nodes: [["Neg", ["x"], "y"]] };
    const derived = await derive(model);
    const { graph } = derived.model;
    expect(graph.output.map(({ name }) => name)).toEqual(["y", "x_grad"]);
    const b = new GraphBuilder(await resolve(await readModel(tinyModel(model)), ort));
    const upstream = b.input("v", { dtype: "float32", dims: [4] });
    const value = b.value("x");
    expect(vectorJacobianProduct(b, [{ value, upstream }], [value])).toEqual([upstream]);
    const found = await gradients(model, { outputs: ["x", "y"] });
    expect(Object.keys(found).toSorted()).toEqual(["x", "x_grad_1", "y"]);
    expect(found["x_grad_1"]).toEqual([0, 0, 0, 0]);
    expect(found["x"]).toEqual(data);
  });

  it("flow through inner values that are asked for as well", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { two: { dims: [], data: [2] } },
      nodes: [
        ["Mul", ["x", "two"], "h"],
        ["Mul", ["h", "h"], "k"],
        ["Add", ["k", "x"], "y"],
      ],
    };
    const { x_grad, h_grad, k_grad } = await gradients(model, { inputs: ["x", "h", "k"] });
    expect(k_grad).toEqual([1, 1, 1, 1]);
    expect(h_grad).toEqual(data.map((v) => 4 * v));
    expect(x_grad).toEqual(data.map((v) => 8 * v + 1));
  });

  it("of several outputs add up, inner ones too, each counted once", async () => {
    const model: TinyModel = {
      inputs: { x },
      nodes: [
        ["Mul", ["x", "x"], "h"],
        ["Neg", ["h"], "y"],
        ["Add", ["h", "x"], "z"],
      ],
      outputs: ["y", "z"],
    };
    const { x_grad, h } = await gradients(model, { outputs: ["y", "z", "h"] });
    expect(x_grad).toEqual(data.map((v) => 2 * v + 1));
    expect(h).toEqual(data.map((v) => v * v));
    const twice = await gradients(model, { outputs: ["h", "h"], inputs: ["x", "x"] });
    expect(Object.keys(twice).toSorted()).toEqual(["h", "x_grad", "y", "z"]);
    expect(twice["x_grad"]).toEqual(data.map((v) => 2 * v));
  });

  it("go through a node of several outputs, of which one is used", async () => {
    const b = GraphBuilder.empty();
    const [left] = b.split(b.input("x", { dtype: "float32", dims: [4] }), 0, [3, 1]) as [Value];
    b.output(b.op("Mul", [left, left]), "y");
    const { x_grad } = await evaluate(differentiate(b.build()));
    expect(x_grad).toEqual([1, -2, 4, 0]);
  });

  it("do not flow through a shape, an index or a comparison", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { zero: { dims: [], data: [0] } },
      nodes: [
        ["Greater", ["x", "zero"], "positive"],
        ["Neg", ["x"], "minus"],
        ["Where", ["positive", "x", "minus"], "absolute"],
        ["ArgMax", ["x"], "best", { axis: 0, keepdims: 0 }],
        ["Gather", ["absolute", "best"], "largest"],
        ["Mul", ["absolute", "largest"], "y"],
      ],
    };
    const { x_grad } = await gradients(model);
    expect(x_grad).toEqual([3, -3, 3, 3 + 0.5 + 1 + 2 + 3]);
  });

  it("have names of their own where the model has taken them", async () => {
    const model: TinyModel = {
      inputs: { x, x_grad: x },
      nodes: [
        ["Mul", ["x", "x_grad"], "y_grad"],
        ["Mul", ["y_grad", "x"], "y"],
      ],
    };
    const resolved = await resolve(await readModel(tinyModel(model)), ort);
    const derived = differentiate(resolved);
    expect(derived.model.graph.input.map(({ name }) => name)).toEqual(["x", "x_grad", "y_grad_1"]);
    expect(derived.model.graph.output.map(({ name }) => name)).toEqual(["y", "x_grad_1"]);
    const found = await evaluate(derived, { x_grad: [1, 2, 3, 4] });
    expect(found["x_grad_1"]).toEqual(data.map((v, i) => 2 * v * (i + 1)));
  });

  it("can be differentiated again", async () => {
    const model: TinyModel = {
      inputs: { x },
      nodes: [
        ["Mul", ["x", "x"], "h"],
        ["Mul", ["h", "x"], "y"],
      ],
    };
    const second = differentiate(await derive(model), { outputs: ["x_grad"] });
    const found = await evaluate(second);
    expect(found["x_grad_1"]).toEqual(data.map((v) => 6 * v));
  });
});

describe("refusals", () => {
  async function failure(model: TinyModel, options?: DifferentiateOptions): Promise<unknown> {
    const resolved = await resolve(await readModel(tinyModel(model)), ort);
    try {
      differentiate(resolved, options);
    } catch (error) {
      return error;
    }
    throw new Error("Expected an error.");
  }

  it("name an input that is not on the path", async () => {
    const model: TinyModel = {
      inputs: { x, z: x },
      nodes: [
        ["Neg", ["x"], "y"],
        ["Neg", ["z"], "other"],
      ],
      outputs: ["y", "other"],
    };
    expect(await failure(model, { inputs: ["x", "z"] })).toMatchObject({
      code: "ERR_NO_GRADIENT",
      message: expect.stringContaining("to 'z'") as string,
    });
  });

  it("list all nodes once, by type, and the nearest output", async () => {
    const dets: TinyModel = {
      inputs: {
        x: { dims: [17, 17] },
        other: { dims: [17, 17] },
        training: { dtype: "bool", dims: [] },
      },
      constants: { ratio: { dims: [], data: [0.5] } },
      nodes: [
        ["Relu", ["x"], "fine"],
        ["Det", ["fine"], "d1"],
        ["Det", ["x"], "d2"],
        ["Det", ["other"], "aside"],
        ["Dropout", ["fine", "ratio", "training"], "h"],
        ["Mul", ["d1", "h"], "m"],
        ["Add", ["m", "d2"], "y"],
      ],
      outputs: ["y", "aside"],
    };
    const reason = "matrices of 17 × 17 are larger than 16 × 16";
    const error = await failure(dets);
    expect(error).toMatchObject({
      code: "ERR_UNSUPPORTED_OPERATOR",
      nearestOutput: "fine",
      nodes: [
        { nodeName: "det_1", opType: "Det", opset: 17, reason },
        { nodeName: "det_2", opType: "Det" },
        { nodeName: "dropout_4", opType: "Dropout" },
      ],
    });
    expect((error as Error).message).toContain(
      `Det (opset 17), 2 node(s) 'det_1', 'det_2': ${reason}`,
    );
    expect((error as Error).message).toContain(
      "The nearest output that can be differentiated is 'fine'.",
    );
  });

  it("name no nearest output where there is none", async () => {
    const model: TinyModel = { inputs: { x: { dims: [17, 17] } }, nodes: [["Det", ["x"], "y"]] };
    const error = await failure(model);
    expect(error).toMatchObject({ nearestOutput: undefined });
    expect((error as Error).message).toContain("No value between them can be differentiated.");
  });

  it("give the reason of a rule", async () => {
    const model: TinyModel = {
      inputs: { x: { dims: [1, 1, 4, 4] }, training: { dtype: "bool", dims: [] } },
      constants: { ratio: { dims: [], data: [0.5] } },
      nodes: [
        ["Relu", ["x"], "h"],
        ["Dropout", ["h", "ratio", "training"], "y"],
      ],
    };
    expect(await failure(model)).toMatchObject({
      nearestOutput: "h",
      nodes: [
        { nodeName: "dropout_1", reason: expect.stringContaining("training_mode") as string },
      ],
    });
  });

  it("are for what is asked for: an operator after the output does not matter", async () => {
    const model: TinyModel = {
      inputs: { x: { dims: [2, 2] } },
      nodes: [
        ["Neg", ["x"], "h"],
        ["Det", ["h"], "y"],
      ],
    };
    const found = await gradients(model, { outputs: ["h"] });
    expect(found["x_grad"]).toEqual([-1, -1, -1, -1]);
  });

  it("cover operators of other domains, whatever their name", async () => {
    const proto = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: "", version: 17n }),
        create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }),
      ],
      graph: create(GraphProtoSchema, {
        name: "foreign",
        input: [valueInfo({ name: "x", dtype: "float32", dims: [2, 2] })],
        node: [
          create(NodeProtoSchema, {
            opType: "Inverse",
            domain: "com.microsoft",
            input: ["x"],
            output: ["y"],
          }),
        ],
        output: [create(ValueInfoProtoSchema, { name: "y" })],
      }),
    });
    const resolved = await resolve(await readModel(toBinary(ModelProtoSchema, proto)), ort);
    expect(() => differentiate(resolved)).toThrow(
      /com\.microsoft\.Inverse .* operators of the domain 'com\.microsoft' have no rule/,
    );
  });

  it("name the way out of graphs that a runtime laid out for one processor", () => {
    const b = GraphBuilder.empty();
    const x = b.input("x", { dtype: "float32", dims: [1, 16, 4, 4] });
    const y = b.output(b.op("Relu", [x]), "y");
    const laidOut = b.build();
    Object.assign(laidOut.model.graph.node[0] as object, {
      opType: "ReorderOutput",
      domain: "com.microsoft.nchwc",
    });
    expect(() => differentiate(laidOut, { inputs: [x.name], outputs: [y.name] })).toThrow(
      /com\.microsoft\.nchwc\.ReorderOutput .* have no rule; save the model with ORT_ENABLE_EXTENDED/,
    );
  });

  it("cover subgraphs that capture a value on the path", async () => {
    const b = GraphBuilder.empty();
    const value = b.input("x", { dtype: "float32", dims: [4] });
    const which = b.input("which", { dtype: "bool", dims: [] });
    const h = b.op("Neg", [value], {}, "h");
    const branch = (name: string, opType: string) =>
      create(AttributeProtoSchema, {
        name,
        type: AttributeProto_AttributeType.GRAPH,
        g: create(GraphProtoSchema, {
          name,
          node: [create(NodeProtoSchema, { opType, input: [h.name], output: [`${name}_y`] })],
          output: [create(ValueInfoProtoSchema, { name: `${name}_y` })],
        }),
      });
    const node = create(NodeProtoSchema, {
      opType: "If",
      attribute: [branch("then_branch", "Exp"), branch("else_branch", "Abs")],
    });
    b.output(b.opLike(node, [which], [4]), "y");
    const { model } = b.build();
    const types = new Map([
      ["x", { dtype: "float32", dims: [4] }],
      ["h", { dtype: "float32", dims: [4] }],
      ["y", { dtype: "float32", dims: [4] }],
    ] as const);
    expect(() => differentiate(new ResolvedModel(model, types))).toThrow(
      expect.objectContaining({
        code: "ERR_UNSUPPORTED_OPERATOR",
        nearestOutput: "h",
        nodes: [expect.objectContaining({ opType: "If" })],
      }),
    );
  });
});

describe("dims that depend on values", () => {
  const model: TinyModel = {
    inputs: { x: { dims: [4] }, end: { dtype: "int64", dims: [1] } },
    constants: { start: { dtype: "int64", dims: [1], data: [0] } },
    nodes: [
      ["Exp", ["x"], "inner"],
      ["Slice", ["inner", "start", "end"], "some"],
      ["Sin", ["some"], "sine"],
      ["Neg", ["sine"], "last"],
      ["ReduceSum", ["last"], "y", { keepdims: 0 }],
    ],
    outputs: ["last", "y"],
  };

  it("are reported at the node where they begin, not at all those after it", async () => {
    const resolved = await resolve(await readModel(tinyModel(model)), ort);
    expect(() => differentiate(resolved, { outputs: ["y"] })).toThrow(
      expect.objectContaining({
        code: "ERR_UNSUPPORTED_OPERATOR",
        nearestOutput: "inner",
        nodes: [expect.objectContaining({ opType: "Slice" })],
      }),
    );
  });

  it("are named with that node for an output", async () => {
    const resolved = await resolve(await readModel(tinyModel(model)), ort);
    expect(() => differentiate(resolved, { outputs: ["last"] })).toThrow(
      expect.objectContaining({
        code: "ERR_UNKNOWN_TYPE",
        message: expect.stringMatching(
          /^The dims of 'last' .* from Slice node 'slice_1'/,
        ) as string,
      }),
    );
  });
});

describe("size", () => {
  it("does not matter to the stack: 20,000 nodes in a row", () => {
    const b = GraphBuilder.empty();
    let value = b.input("x", { dtype: "float32", dims: [4] });
    for (let i = 0; i < 20_000; i++) {
      value = b.op("Relu", [value]);
    }
    b.output(value, "y");
    for (const target of ["any", "cpu"] as const) {
      const { model } = differentiate(b.build(), { target });
      expect(model.graph.node.length).toBeGreaterThan(40_000);
    }
  });
});
