import { GraphBuilder } from "../graph/graph-builder.ts";
import { normalizeAxis } from "../graph/value.ts";
import { RuleRefusal, type GradientRule } from "./gradient-rule.ts";
import { untake } from "./untake.ts";

/**
 * Compress (opset 9) by a constant condition: dx = dy at the places that are kept, zeros elsewhere;
 * without `axis` x counts as flat. A computed condition is refused: the dims of y depend on it.
 *
 * @see https://onnx.ai/onnx/operators/onnx__Compress.html
 */
export const compress: GradientRule = {
  opType: "Compress",
  build: (c) => {
    const { dims } = c.x();
    const given = c.int("axis", undefined);
    const axis = given === undefined ? 0 : normalizeAxis(given, dims.length);
    const kept = c.constant(1)?.flatMap((holds, i) => (holds === 0 ? [] : [i]));
    if (kept === undefined) {
      throw new RuleRefusal("its condition is computed; it has to be a constant");
    }
    const size = given === undefined ? GraphBuilder.count(c.x()) : (dims[axis] as number);
    return [() => c.b.reshape(untake(c.b, size, kept)(c.dy(), axis), dims)];
  },
};
