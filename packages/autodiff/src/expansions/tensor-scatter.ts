import { normalizeAxis } from "../graph/value.ts";
import { arithmetic } from "../graph/arithmetic.ts";
import type { Expansion } from "./expansion.ts";

/**
 * TensorScatter (opset 24): writes the update of each sample into its cache from its own index on, by
 * ScatterElements; beyond the end, "circular" goes on at the start.
 *
 * @see https://onnx.ai/onnx/operators/onnx__TensorScatter.html
 */
export const tensorScatter: Expansion = {
  opType: "TensorScatter",
  expand: (c) => {
    const { b } = c;
    const { add } = arithmetic(b);
    const [cache, update] = [c.x(0), c.x(1)];
    const axis = normalizeAxis(c.int("axis", -2), cache.dims.length);
    const along = (at: number) => update.dims.map((d, i) => (i === at ? d : 1));
    const steps = Array.from({ length: update.dims[axis] as number }, (_, i) => i);
    const places = b.constant("int64", along(axis), steps);
    const moved = c.hasInput(2) ? add(places, b.reshape(c.x(2), along(0))) : places;
    const size = b.scalar(cache.dims[axis] as number, "int64");
    const within = c.string("mode", "linear") === "circular" ? b.op("Mod", [moved, size]) : moved;
    const indices = b.expand(within, update.dims);
    return [b.op("ScatterElements", [cache, indices, update], { axis })];
  },
};
