import { arithmetic } from "../graph/arithmetic.ts";
import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Gemm (opset 7), y = alpha·a'·b' + beta·c: da' = alpha·dy·b'ᵀ, db' = alpha·a'ᵀ·dy, each as it was
 * before its transposition, and dc = beta·dy summed to its dims.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Gemm.html
 */
export const gemm: GradientRule = {
  opType: "Gemm",
  build: (c) => {
    const alpha = { float: c.float("alpha", 1) };
    const beta = c.float("beta", 1);
    const [transA, transB] = [c.int("transA", 0), c.int("transB", 0)];
    return [
      () =>
        transA
          ? c.b.gemm(c.x(1), c.dy(), { alpha, transA: transB, transB: 1 })
          : c.b.gemm(c.dy(), c.x(1), { alpha, transB: 1 - transB }),
      () =>
        transB
          ? c.b.gemm(c.dy(), c.x(0), { alpha, transA: 1, transB: transA })
          : c.b.gemm(c.x(0), c.dy(), { alpha, transA: 1 - transA }),
      () => {
        const dc = unbroadcast(c.b, c.dy(), c.x(2).dims);
        return beta === 1 ? dc : arithmetic(c.b).mul(dc, beta);
      },
    ];
  },
};
