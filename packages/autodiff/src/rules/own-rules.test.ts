import { describe, expect, it } from "vitest";
import * as ort from "onnxruntime-node";
import {
  checkGradient,
  differentiate,
  Model,
  ResolvedModel,
  RuleRefusal,
  type GradientRule,
  type TensorType,
} from "@onnx-asma/autodiff";
import { evaluate, gradientsOf, resolved } from "../../../../test/support/gradients-of.ts";
import { modelProto, node } from "../../../../test/support/model-proto.ts";

const square: TensorType = { dtype: "float32", dims: [2, 2] };
const at = { x: [0.5, -1, 2] };

describe("rules of the user's", () => {
  const round = modelProto({ x: [3] }, [node("Round", ["x"], ["y"])], ["y"]);
  const straightThrough: GradientRule = { opType: "Round", build: (c) => [() => c.dy()] };

  it("go before zero gradients and built-in rules", async () => {
    await expect(gradientsOf(round, at)).rejects.toMatchObject({ code: "ERR_NO_GRADIENT" });
    const { x_grad } = await gradientsOf(round, at, { rules: [straightThrough] });
    expect(x_grad).toEqual([1, 1, 1]);
    const exp = modelProto({ x: [3] }, [node("Exp", ["x"], ["y"])], ["y"]);
    const double: GradientRule = {
      opType: "Exp",
      build: (c) => [() => c.b.op("Add", [c.dy(), c.dy()])],
    };
    expect((await gradientsOf(exp, at, { rules: [double] }))["x_grad"]).toEqual([2, 2, 2]);
  });

  it("go before expansions, and serve any domain", async () => {
    const gelu = modelProto({ x: [3] }, [node("com.microsoft.Gelu", ["x"], ["y"])], ["y"], {
      domains: ["com.microsoft"],
    });
    const rule: GradientRule = {
      opType: "Gelu",
      domain: "com.microsoft",
      build: (c) => {
        expect(c.opset).toBe(1);
        return [() => c.dy()];
      },
    };
    const derived = differentiate(await resolved(gelu), { rules: [rule] });
    expect(derived.model.graph.node.map(({ opType }) => opType)).toContain("Gelu");
    expect((await evaluate(derived, at))["x_grad"]).toEqual([1, 1, 1]);
    const inverse = modelProto(
      { x: [2, 2] },
      [node("com.microsoft.Inverse", ["x"], ["y"])],
      ["y"],
      {
        domains: ["com.microsoft"],
      },
    );
    // dx = −yᵀ dy yᵀ
    const inverseRule: GradientRule = {
      opType: "Inverse",
      domain: "com.microsoft",
      build: (c) => [
        () => {
          const t = c.b.transpose(c.y(), [1, 0]);
          return c.b.op("Neg", [c.b.matmul(c.b.matmul(t, c.dy()), t)]);
        },
      ],
    };
    const { worst } = await checkGradient(await resolved(inverse), ort, {
      rules: [inverseRule],
      feeds: { x: [2, 0.5, -0.25, 1.5] },
    });
    expect(worst).toBeLessThan(1e-3);
  });

  it("hold for their opsets, a later one before an earlier one", async () => {
    const late: GradientRule = { ...straightThrough, opsets: [18] };
    const early: GradientRule = { ...straightThrough, opsets: [1, 16] };
    for (const rules of [[late], [early]]) {
      await expect(gradientsOf(round, at, { rules })).rejects.toMatchObject({
        code: "ERR_NO_GRADIENT",
      });
    }
    const negative: GradientRule = {
      opType: "Round",
      opsets: [11, 17],
      build: (c) => [() => c.b.op("Neg", [c.dy()])],
    };
    const rules = [straightThrough, negative];
    expect((await gradientsOf(round, at, { rules }))["x_grad"]).toEqual([-1, -1, -1]);
  });

  it("may refuse a node, and are faulted for gradients of other dims", async () => {
    const refusing: GradientRule = {
      opType: "Round",
      build: () => {
        throw new RuleRefusal("not today");
      },
    };
    await expect(gradientsOf(round, at, { rules: [refusing] })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_OPERATOR",
      nodes: [{ nodeName: "y_node", reason: "not today" }],
    });
    const wrong: GradientRule = { opType: "Round", build: (c) => [() => c.b.scalar(1)] };
    await expect(gradientsOf(round, at, { rules: [wrong] })).rejects.toMatchObject({
      code: "ERR_GRADIENT_TYPE",
    });
  });
});

describe("expansions", () => {
  const norm = (x: string, y: string) =>
    node("GroupNormalization", [x, "s", "s"], [y], { num_groups: 1 });

  it("replace nodes on the path alone", async () => {
    const proto = modelProto(
      { x: [1, 2, 2], s: [2] },
      [norm("x", "y"), norm("x", "aside")],
      ["y", "aside"],
      { opset: 21 },
    );
    const derived = differentiate(await resolved(proto), { outputs: ["y"] });
    const kept = derived.model.graph.node.filter(({ opType }) => opType === "GroupNormalization");
    expect(kept.map(({ name }) => name)).toEqual(["aside_node"]);
    const { y, aside } = await evaluate(derived, { x: [1, 2, 3, 4] });
    y?.forEach((v, i) => expect(v).toBeCloseTo(aside?.[i] as number, 5));
  });

  it("never show in an error: the model's own node is named, and the nearest value of its own", async () => {
    const refusing = (opType: string): GradientRule => ({
      opType,
      build: () => {
        throw new RuleRefusal("not today");
      },
    });
    const proto = modelProto(
      { x: [1, 2, 2], s: [2] },
      [norm("x", "h"), node("com.microsoft.QuickGelu", ["h"], ["k"]), node("Sin", ["k"], ["y"])],
      ["y"],
      { opset: 21, domains: ["com.microsoft"] },
    );
    const failing = async (opType: string) =>
      await expect(gradientsOf(proto, {}, { rules: [refusing(opType)] })).rejects;
    await (
      await failing("Sin")
    ).toMatchObject({
      nearestOutput: "k",
      nodes: [{ nodeName: "y_node", opType: "Sin", domain: "", opset: 21, reason: "not today" }],
    });
    await (
      await failing("Sigmoid")
    ).toMatchObject({
      nearestOutput: "h",
      nodes: [
        {
          nodeName: "k_node",
          opType: "QuickGelu",
          domain: "com.microsoft",
          opset: 1,
          reason: "Sigmoid in its function body: not today",
        },
      ],
    });
  });

  it("may refuse a node, as rules do", async () => {
    const attributes = { activation: "Sin" };
    const proto = modelProto(
      { x: [2, 2] },
      [
        node("Neg", ["x"], ["h"]),
        node("com.microsoft.FusedGemm", ["h", "h", "h"], ["y"], attributes),
      ],
      ["y"],
      { domains: ["com.microsoft"] },
    );
    const types = new Map(["x", "h", "y"].map((name) => [name, square] as const));
    expect(() => differentiate(new ResolvedModel(new Model(proto, []), types))).toThrow(
      expect.objectContaining({
        nearestOutput: "h",
        nodes: [
          expect.objectContaining({
            nodeName: "y_node",
            reason: "its activation 'Sin' is not known here",
          }),
        ],
      }),
    );
  });

  it("of attention give zeros to a query that may see no key", async () => {
    const dims = [1, 1, 2, 2];
    const proto = modelProto(
      { q: dims, k: dims, v: dims, m: [2, 2] },
      [
        node("Greater", ["m", "zero"], ["allowed"]),
        node("Attention", ["q", "k", "v", "allowed"], ["y"]),
      ],
      ["y"],
      { opset: 23, initializer: [] },
    );
    proto.graph?.node.unshift(node("Constant", [], ["zero"], { value_float: { float: 0 } }));
    const values = { q: [1, 2, 3, 4], k: [1, -1, 0.5, 2], v: [1, 2, 3, 4], m: [1, 1, 0, 0] };
    const found = await gradientsOf(proto, values, { inputs: ["q", "k", "v"], outputs: ["y"] });
    expect(found["y"]?.slice(2)).toEqual([0, 0]);
    expect(found["q_grad"]?.slice(2)).toEqual([0, 0]);
    expect([found["k_grad"], found["v_grad"]].flat().every(Number.isFinite)).toBe(true);
  });
});
