import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { differentiate, GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import { appendResampling } from "./append-resampling.ts";
import { resamplingMatrix } from "./resampling-matrix.ts";

it.each([
  [300, 77, 2],
  [300, 77, 3],
  [61, 150, 3],
  [129, 128, 2],
] as const)("resamples %i to %i along axis %i, forwards and backwards", async (from, to, axis) => {
  const b = GraphBuilder.empty();
  const other = 3;
  const dims = axis === 2 ? [1, 2, from, other] : [1, 2, other, from];
  b.output(appendResampling(b, b.input("x", { dtype: "float32", dims }), axis, to), "y");
  const session = await ort.InferenceSession.create(
    writeModel(differentiate(b.build()).model, "embed").bytes,
  );
  const outDims = axis === 2 ? [1, 2, to, other] : [1, 2, other, to];
  const noise = (n: number, seed: number) =>
    Float32Array.from({ length: n }, (_, i) => Math.sin(seed * i + i * i));
  const x = noise(2 * other * from, 3);
  const dy = noise(2 * other * to, 5);
  const { y, x_grad: dx } = await session.run({
    x: new ort.Tensor("float32", x, dims),
    y_grad: new ort.Tensor("float32", dy, outDims),
  });
  const matrix = resamplingMatrix(from, to);
  const at = (size: number, line: number, i: number) =>
    axis === 3 ? line * size + i : (Math.floor(line / other) * size + i) * other + (line % other);
  for (let line = 0; line < 2 * other; line++) {
    for (let i = 0; i < to; i++) {
      const expected = matrix[i]!.reduce((sum, w, j) => sum + w * x[at(from, line, j)]!, 0);
      expect((y?.data as Float32Array)[at(to, line, i)]).toBeCloseTo(expected, 4);
    }
    for (let j = 0; j < from; j++) {
      const expected = matrix.reduce((sum, row, i) => sum + row[j]! * dy[at(to, line, i)]!, 0);
      expect((dx?.data as Float32Array)[at(from, line, j)]).toBeCloseTo(expected, 4);
    }
  }
  await session.release();
});
