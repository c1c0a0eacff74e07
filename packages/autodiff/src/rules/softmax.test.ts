import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { derive, run } from "../../../../test/support/tiny-model.ts";

it("gives rows that are masked altogether no gradient where the graph replaces their NaN", async () => {
  const derived = await derive({
    inputs: { x: { dims: [2, 3] } },
    constants: {
      mask: { dims: [2, 1], data: [0, Number.NEGATIVE_INFINITY] },
      zero: { dims: [], data: [0] },
    },
    nodes: [
      ["Add", ["x", "mask"], "logits"],
      ["Softmax", ["logits"], "p", { axis: -1 }],
      ["IsNaN", ["p"], "masked"],
      ["Where", ["masked", "zero", "p"], "y"],
    ],
  });
  const tensor = (...data: number[]) => new ort.Tensor("float32", Float32Array.from(data), [2, 3]);
  const { x_grad: gradient } = await run(derived, {
    x: tensor(0, 0, 0, 1, 2, 3),
    y_grad: tensor(3, 0, 0, 1, 2, 3),
  });
  const expected = [2 / 3, -1 / 3, -1 / 3, 0, 0, 0];
  Array.from(gradient?.data as Float32Array).forEach((v, i) =>
    expect(v).toBeCloseTo(expected[i] as number, 6),
  );
});
