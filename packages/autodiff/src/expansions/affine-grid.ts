import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";

/**
 * AffineGrid (opset 20): theta · (x, y, 1) (2-D) or theta · (x, y, z, 1) (3-D) at every cell of a grid
 * over [−1, 1], to the centres of the outermost cells with `align_corners`, to their edges without.
 *
 * @see https://onnx.ai/onnx/operators/onnx__AffineGrid.html
 */
export const affineGrid: Expansion = {
  opType: "AffineGrid",
  expand: (c) => {
    const { b } = c;
    const { dims, dtype } = c.y();
    const spatial = dims.slice(1, -1);
    if (spatial.length !== 2 && spatial.length !== 3) {
      throw new RuleRefusal(`its grid has ${spatial.length} axes, not 2 or 3`);
    }
    const isAligned = c.int("align_corners", 0) === 1;
    const coordinate = (i: number, size: number) =>
      isAligned ? (size === 1 ? -1 : -1 + (2 * i) / (size - 1)) : (2 * i + 1) / size - 1;
    let cells: number[][] = [[]];
    for (const size of spatial) {
      const along = Array.from({ length: size }, (_, i) => coordinate(i, size));
      cells = cells.flatMap((cell) => along.map((v) => [v, ...cell]));
    }
    // Homogeneous coordinates in columns, x first: [d + 1, cells].
    const rows = [
      ...spatial.map((_, i) => cells.map((cell) => cell[i] as number)),
      cells.map(() => 1),
    ];
    const grid = b.constant(dtype, [rows.length, cells.length], rows.flat());
    return [b.reshape(b.transpose(b.matmul(c.x(), grid), [0, 2, 1]), dims)];
  },
};
