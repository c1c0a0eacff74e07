import { intAttribute } from "../graph/attribute.ts";
import { normalizeAxis, type Value } from "../graph/value.ts";
import { elementCount } from "../model/data-type.ts";
import { RuleRefusal, type RuleContext } from "./gradient-rule.ts";

/** Least and largest number of the integer types that have both here. */
const ranges: Partial<Record<Value["dtype"], readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int4: [-8, 7],
  uint4: [0, 15],
};

/** The range of a quantized type. */
export function rangeOf(dtype: Value["dtype"]): readonly [number, number] {
  const range = ranges[dtype];
  if (range === undefined) {
    throw new RuleRefusal(`quantization to ${dtype} has no gradient here`);
  }
  return range;
}

/** A scale or zero point, with its one axis where it belongs in a tensor of that rank. */
export function alongAxis(c: RuleContext, parameter: Value, rank: number): Value {
  const count = elementCount(parameter.dims);
  if (count === 1) {
    return c.b.reshape(parameter, []);
  }
  const axis = normalizeAxis(intAttribute(c.node, "axis", 1), rank);
  return c.b.reshape(
    parameter,
    Array.from({ length: rank }, (_, i) => (i === axis ? count : 1)),
  );
}

/** @throws RuleRefusal for scales per block and for scales that depend on the image */
export function checkQuantization(c: RuleContext): void {
  if (c.needsGradient(1)) {
    throw new RuleRefusal("its scale is computed from the image; use static quantization");
  }
  if (c.int("block_size", 0) !== 0) {
    throw new RuleRefusal("activations quantized in blocks have no gradient here");
  }
}
