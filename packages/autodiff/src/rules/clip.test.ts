import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { derive, run } from "../../../../test/support/tiny-model.ts";

it.each([10, 11, 17])(
  "passes the gradient on the bounds, and to computed ones beyond (opset %i)",
  async (opset) => {
    const vector = (...data: number[]) => new ort.Tensor("float32", data, [data.length]);
    const scalar = (number: number) => new ort.Tensor("float32", [number], []);
    const feeds = { x: vector(-2, -1, 0, 1, 3), y_grad: vector(1, 2, 4, 8, 16) };
    if (opset === 10) {
      const bounds = { min: { float: -1 }, max: { float: 1 } };
      const derived = await derive({
        opset,
        inputs: { x: { dims: [5] } },
        nodes: [["Clip", ["x"], "y", bounds]],
      });
      const { x_grad } = await run(derived, feeds);
      expect([...((x_grad as ort.Tensor).data as Float32Array)]).toEqual([0, 2, 4, 8, 0]);
      return;
    }
    const inputs = { x: { dims: [5] }, low: { dims: [] }, high: { dims: [] } };
    const derived = await derive(
      { opset, inputs, nodes: [["Clip", ["x", "low", "high"], "y"]] },
      Object.keys(inputs),
    );
    const { x_grad, low_grad, high_grad } = await run(derived, {
      ...feeds,
      low: scalar(-1),
      high: scalar(1),
    });
    expect([...((x_grad as ort.Tensor).data as Float32Array)]).toEqual([0, 2, 4, 8, 0]);
    expect([low_grad?.data, high_grad?.data]).toEqual([Float32Array.of(1), Float32Array.of(16)]);
  },
);
