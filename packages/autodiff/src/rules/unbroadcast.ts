import type { GraphBuilder } from "../graph/graph-builder.ts";
import { sameDims, type Value } from "../graph/value.ts";

/**
 * Sums a gradient over the axes along which its input was broadcast, so that it gets the input's
 * dims back (the adjoint of ONNX multidirectional broadcasting).
 */
export function unbroadcast(b: GraphBuilder, gradient: Value, dims: readonly number[]): Value {
  if (sameDims(gradient.dims, dims)) {
    return gradient;
  }
  const lead = gradient.dims.length - dims.length;
  const axes = gradient.dims.flatMap((d, i) =>
    i < lead || (dims[i - lead] === 1 && d !== 1) ? [i] : [],
  );
  return b.reshape(b.reduce("ReduceSum", gradient, axes), dims);
}
