import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * MatMul (opset 1): da = dy·bᵀ, db = aᵀ·dy, summed over batch axes that were broadcast; vectors count as
 * a row (a) or a column (b). Where b is one matrix, all batches of a count as its rows, and Gemm
 * transposes without a copy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__MatMul.html
 */
export const matMul: GradientRule = {
  opType: "MatMul",
  build: (c) => {
    const [dimsA, dimsB] = [c.x(0).dims, c.x(1).dims];
    const matrixA = dimsA.length === 1 ? [1, ...dimsA] : dimsA;
    const matrixB = dimsB.length === 1 ? [...dimsB, 1] : dimsB;
    const [inner, columns] = matrixB.slice(-2) as [number, number];
    if (matrixB.length === 2) {
      const rows = (value: Value, width: number) =>
        c.b.reshape(value, [value.dims.reduce((product, d) => product * d, 1) / width, width]);
      const b = () => c.b.reshape(c.x(1), matrixB);
      return [
        () => c.b.reshape(c.b.gemm(rows(c.dy(), columns), b(), { transB: 1 }), dimsA),
        () => {
          const db = c.b.gemm(rows(c.x(0), inner), rows(c.dy(), columns), { transA: 1 });
          return c.b.reshape(db, dimsB);
        },
      ];
    }
    const dy = () => {
      // Where a is a vector, y lacks its axis of one row.
      const batch = dimsA.length === 1 ? c.y().dims.slice(0, -1) : c.y().dims.slice(0, -2);
      return c.b.reshape(c.dy(), [...batch, matrixA.at(-2) as number, columns]);
    };
    return [
      () => {
        const da = c.b.matmul(dy(), transposed(c.b, c.x(1)));
        return c.b.reshape(unbroadcast(c.b, da, matrixA), dimsA);
      },
      () => {
        const a = transposed(c.b, c.b.reshape(c.x(0), matrixA));
        return unbroadcast(c.b, c.b.matmul(a, dy()), dimsB);
      },
    ];
  },
};

/** The matrices of a batch, each transposed. */
function transposed(b: GraphBuilder, value: Value): Value {
  const axes = value.dims.map((_, axis) => axis);
  return b.transpose(value, [...axes.slice(0, -2), ...axes.slice(-2).toReversed()]);
}
