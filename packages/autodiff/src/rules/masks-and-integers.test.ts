import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { derive, run, type TinyModel } from "../../../../test/support/tiny-model.ts";

const x = { dims: [5] };
const numbers = [-2, -0.5, 0.25, 1, 3];
const upstream = [1, 2, 4, 8, 16];
const scalar = (data: number, dtype: "float32" | "int64" = "float32") =>
  ({ dtype, dims: [], data: [data] }) as const;
const vector = (data: readonly number[]) =>
  new ort.Tensor("float32", Float32Array.from(data), [data.length]);

async function gradients(model: TinyModel): Promise<number[]> {
  const { x_grad } = await run(await derive(model, ["x"]), {
    x: vector(numbers),
    y_grad: vector(upstream),
  });
  return [...((x_grad as ort.Tensor).data as Float32Array)];
}

describe("masks and integers on the path", () => {
  it("gives a mask of the input no gradient, and what it multiplies its own", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { t: scalar(0.5) },
      nodes: [
        ["Greater", ["x", "t"], "above"],
        ["Cast", ["above"], "mask", { to: 1 }],
        ["Mul", ["x", "mask"], "y"],
      ],
    };
    expect(await gradients(model)).toEqual([0, 0, 0, 8, 16]);
  });

  it("chooses by a condition computed from the input", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { t: scalar(0.5), three: scalar(3), tenth: scalar(0.125) },
      nodes: [
        ["Less", ["x", "t"], "below"],
        ["Mul", ["x", "three"], "steep"],
        ["Mul", ["x", "tenth"], "flat"],
        ["Where", ["below", "flat", "steep"], "y"],
      ],
    };
    expect(await gradients(model)).toEqual([0.125, 0.25, 0.5, 24, 48]);
  });

  it("takes rounding by way of integers as flat, beside a path that is not", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { two: scalar(2) },
      nodes: [
        ["Cast", ["x"], "whole", { to: 7 }],
        ["Cast", ["whole"], "rounded", { to: 1 }],
        ["Mul", ["x", "two"], "twice"],
        ["Add", ["twice", "rounded"], "y"],
      ],
    };
    expect(await gradients(model)).toEqual([2, 4, 8, 16, 32]);
  });

  it("lets nothing flow through integers alone", async () => {
    const model: TinyModel = {
      inputs: { x },
      nodes: [
        ["Cast", ["x"], "whole", { to: 7 }],
        ["Cast", ["whole"], "y", { to: 1 }],
      ],
    };
    await expect(derive(model)).rejects.toThrow("No gradient flows from output 'y' to 'x'");
  });

  it("passes integer and boolean operators by", async () => {
    const model: TinyModel = {
      opset: 18,
      inputs: { x },
      constants: { t: scalar(0.5), mask: scalar(1, "int64"), one: scalar(1) },
      nodes: [
        ["IsNaN", ["x"], "odd"],
        ["Greater", ["x", "t"], "above"],
        ["Xor", ["odd", "above"], "chosen"],
        ["Cast", ["chosen"], "bits", { to: 7 }],
        ["BitwiseAnd", ["bits", "mask"], "masked"],
        ["Cast", ["masked"], "factor", { to: 1 }],
        ["Add", ["factor", "one"], "scale"],
        ["Mul", ["x", "scale"], "y"],
      ],
    };
    expect(await gradients(model)).toEqual([1, 2, 4, 16, 32]);
  });

  it("carries the gradient to bounds of Clip that are computed from the input", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { half: scalar(0.5), axes: { dtype: "int64", dims: [1], data: [0] } },
      nodes: [
        ["ReduceSum", ["x", "axes"], "sum", { keepdims: 0 }],
        ["Mul", ["sum", "half"], "high"],
        ["Neg", ["high"], "low"],
        ["Clip", ["x", "low", "high"], "y"],
      ],
    };
    // The bounds are ±0.875: dhigh = 8 + 16, dlow = 1, and each x is half of high.
    const through = (8 + 16 - 1) / 2;
    expect(await gradients(model)).toEqual([through, through + 2, through + 4, through, through]);
  });

  it("gathers by indices computed from the input", async () => {
    const model: TinyModel = {
      inputs: { x },
      constants: { k: { dtype: "int64", dims: [1], data: [5] } },
      nodes: [
        ["Neg", ["x"], "negative"],
        ["TopK", ["negative", "k"], ["_", "order"]],
        ["Gather", ["x", "order"], "y"],
      ],
    };
    expect(await gradients(model)).toEqual(upstream);
  });
});
