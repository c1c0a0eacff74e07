import { normalizeAxis } from "../graph/value.ts";
import type { GradientRule } from "./gradient-rule.ts";

/**
 * CenterCropPad (opset 18): axes that shrink lose ⌊(n − out)/2⌋ elements in front, those that grow gain
 * ⌊(out − n)/2⌋ zeros; dx pads and crops dy the other way.
 *
 * @see https://onnx.ai/onnx/operators/onnx__CenterCropPad.html
 */
export const centerCropPad: GradientRule = {
  opType: "CenterCropPad",
  build: (c) => [
    () => {
      const [from, to] = [c.x().dims, c.y().dims];
      const axes = c.ints("axes")?.map((axis) => normalizeAxis(axis, from.length));
      const begins = from.map((n, i) => {
        const grown = axes === undefined || axes.includes(i) ? (to[i] as number) - n : 0;
        // Half of what is cropped, or padded, rounded down in both directions.
        return grown < 0 ? Math.floor(-grown / 2) : -Math.floor(grown / 2);
      });
      const ends = from.map((n, i) => n - (to[i] as number) - (begins[i] as number));
      return c.b.pad(c.dy(), [...begins, ...ends]);
    },
  ],
};
