import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { derive, run, type TinyModel } from "../../../../test/support/tiny-model.ts";

const dims = [64];

const training = (ratio?: number): TinyModel => ({
  inputs: { x: { dims } },
  constants: {
    ratio: { dims: [], data: [ratio ?? 0.5] },
    training: { dtype: "bool", dims: [], data: [1] },
  },
  nodes: [["Dropout", ["x", ratio === undefined ? "" : "ratio", "training"], ["y", "mask"]]],
  outputs: ["y", "mask"],
});

it.each([undefined, 0.25, 0])(
  "differentiates the very run in training mode (ratio %s)",
  async (ratio) => {
    const ones = new ort.Tensor("float32", new Float32Array(64).fill(1), dims);
    const { y, x_grad, mask } = await run(await derive(training(ratio)), { x: ones, y_grad: ones });
    const kept = [...(mask?.data as Uint8Array)].filter(Boolean).length;
    expect(kept).toBeGreaterThan(16);
    expect(kept).toBeLessThanOrEqual(64);
    // y = x·mask/(1 − ratio) at x = 1 is the gradient for an upstream of ones.
    expect(x_grad?.data).toEqual(y?.data);
  },
);
