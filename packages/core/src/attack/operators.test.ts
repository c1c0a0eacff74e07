import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { GraphBuilder, writeModel, type Target } from "@onnx-asma/autodiff";
import { operatorsOf } from "./operators.ts";

/** Whole numbers, halves, and their neighbours in float32, over all levels of 16 bits. */
const values = [
  ...[0, 1, 2, 3, 4, 127, 128, 254, 255, 4095, 32767, 65534, 65535].flatMap((whole) =>
    [whole, whole + 0.5, whole - 0.5].flatMap((x) => [x, below(x), above(x)]),
  ),
  ...Array.from({ length: 500 }, (_, i) => Math.fround((i * 7919.31) % 255)),
];

function neighbour(x: number, by: number): number {
  const float = Float32Array.of(x);
  const bits = new Int32Array(float.buffer);
  bits[0] = (bits[0] as number) + by;
  return float[0] as number;
}

function below(x: number): number {
  return x === 0 ? -(2 ** -126) : neighbour(x, x > 0 ? -1 : 1);
}

function above(x: number): number {
  return x === 0 ? 2 ** -126 : neighbour(x, x > 0 ? 1 : -1);
}

async function computed(op: "round" | "sign", target: Target): Promise<Float32Array> {
  const b = new GraphBuilder(GraphBuilder.empty().build(), target);
  const x = b.input("x", { dtype: "float32", dims: [values.length] });
  b.output(operatorsOf(b)[op](x), "y");
  const session = await ort.InferenceSession.create(writeModel(b.build().model, "embed").bytes);
  const { y } = await session.run({
    x: new ort.Tensor("float32", Float32Array.from(values), [values.length]),
  });
  await session.release();
  return y?.data as Float32Array;
}

/** Half to even, in float64. */
function rounded(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

describe.each(["cpu", "any"] as const)("operators for '%s'", (target) => {
  it("round half to even", async () => {
    expect([...(await computed("round", target))].map((x) => x + 0)).toEqual(
      values.map((x) => rounded(Math.fround(x)) + 0),
    );
  });

  it("give the sign", async () => {
    expect([...(await computed("sign", target))]).toEqual(values.map(Math.sign));
  });
});
