import { normalizeAxis, type Value } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";

/**
 * CumProd (opset 26): the product of the elements up to each, by doubling: after k rounds every element
 * is the product of 2ᵏ neighbours. Without a division, zeros are as good as other numbers.
 *
 * @see https://onnx.ai/onnx/operators/onnx__CumProd.html
 */
export const cumProd: Expansion = {
  opType: "CumProd",
  expand: (c) => {
    const { b } = c;
    const { mul } = arithmetic(b);
    const given = c.constant(1);
    if (given === undefined) {
      throw new RuleRefusal("its axis is computed; it has to be a constant");
    }
    const x = c.x();
    const rank = x.dims.length;
    const axis = normalizeAxis(given[0] as number, rank);
    const size = x.dims[axis] as number;
    const isReverse = c.int("reverse", 0) === 1;
    /** The elements `step` places on, ones where there are none. */
    const moved = (value: Value, step: number) => {
      const pads = Array.from({ length: 2 * rank }, () => 0);
      pads[axis] = isReverse ? -step : step;
      pads[axis + rank] = -(pads[axis] as number);
      return b.pad(value, pads, 1);
    };
    let product = c.int("exclusive", 0) === 1 ? moved(x, 1) : x;
    for (let step = 1; step < size; step *= 2) {
      product = mul(product, moved(product, step));
    }
    return [product];
  },
};
