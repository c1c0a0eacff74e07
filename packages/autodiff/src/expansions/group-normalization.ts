import { elementCount } from "../model/data-type.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";
import { standardize, stashType } from "./normalize.ts";

/**
 * GroupNormalization (opset 18, 21): x as [N, groups, rest], normalized over the rest, times scale
 * plus bias; these are per group in opset 18 and per channel from 21 on.
 *
 * @see https://onnx.ai/onnx/operators/onnx__GroupNormalization.html
 */
export const groupNormalization: Expansion = {
  opType: "GroupNormalization",
  expand: (c) => {
    const { b } = c;
    const { add, mul } = arithmetic(b);
    const [n, channels, ...spatial] = c.x().dims as readonly [number, number, ...number[]];
    const groups = c.int("num_groups", 0);
    if (!(groups > 0) || channels % groups !== 0) {
      throw new RuleRefusal(`num_groups is ${groups}, which does not divide ${channels} channels`);
    }
    const dtype = stashType(c.x(), c.opset < 21 ? 0 : c.int("stash_type", 1));
    const rest = (channels / groups) * elementCount(spatial);
    const grouped = b.reshape(b.cast(c.x(), dtype), [n, groups, rest]);
    const { normalized } = standardize(b, grouped, [2], c.float("epsilon", 1e-5));
    if (c.opset < 21) {
      const perGroup = (i: number) => b.reshape(c.x(i), [1, groups, 1]);
      return [b.reshape(add(mul(normalized, perGroup(1)), perGroup(2)), c.x().dims)];
    }
    const perChannel = (i: number) => b.reshape(c.x(i), [1, channels, ...spatial.map(() => 1)]);
    const back = b.reshape(b.cast(normalized, c.x().dtype), c.x().dims);
    return [add(mul(back, perChannel(1)), perChannel(2))];
  },
};
