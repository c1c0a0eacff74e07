import type { GradientRule } from "./gradient-rule.ts";
import { unbroadcast } from "./unbroadcast.ts";

/**
 * Expand (opset 8): dx = dy summed to the dims of x.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Expand.html
 */
export const expand: GradientRule = {
  opType: "Expand",
  build: (c) => [() => unbroadcast(c.b, c.dy(), c.x().dims)],
};

/**
 * Tile (opset 6): dx = dy summed over the copies.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Tile.html
 */
export const tile: GradientRule = {
  opType: "Tile",
  build: (c) => [
    () => {
      const { dims } = c.x();
      const copies: number[] = [];
      const axes: number[] = [];
      dims.forEach((d, i) => {
        const repeats = d === 0 ? 1 : (c.y().dims[i] as number) / d;
        if (repeats !== 1) {
          axes.push(copies.push(repeats) - 1);
        }
        copies.push(d);
      });
      return c.b.reshape(c.b.reduce("ReduceSum", c.b.reshape(c.dy(), copies), axes), dims);
    },
  ],
};
