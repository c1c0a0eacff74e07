import type { GraphBuilder } from "../graph/graph-builder.ts";
import { broadcastDims, type Value } from "../graph/value.ts";
import { elementCount } from "../model/data-type.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * MatMul (opset 1): da = dy·bᵀ, db = aᵀ·dy, summed over batch axes that were broadcast; vectors count as
 * a row (a) or a column (b). The transposition is a node, which runtimes fold for weights: faster than
 * Gemm's own.
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
    const batch = broadcastDims(matrixA.slice(0, -2), matrixB.slice(0, -2)) as number[];
    const dy = () => c.b.reshape(c.dy(), [...batch, matrixA.at(-2) as number, columns]);
    return [
      () => {
        const b = transposed(c.b, c.b.reshape(c.x(1), matrixB));
        return c.b.reshape(unbroadcast(c.b, c.b.matmul(dy(), b), matrixA), dimsA);
      },
      () => {
        if (matrixB.length === 2) {
          // All batches of a are rows of one matrix.
          const a = c.b.reshape(c.x(0), [elementCount(c.x(0).dims) / inner, inner]);
          const rows = c.b.reshape(c.dy(), [elementCount(c.y().dims) / columns, columns]);
          return c.b.reshape(c.b.gemm(a, rows, { transA: 1 }), dimsB);
        }
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
