import type { ResolvedModel } from "@onnx-asma/autodiff";

/** Operators that the values of an image pass, changed by a constant at most. */
const passed = /^(Cast|Identity|Transpose|Sub|Add|Mul|Div|Clip|Pad|Concat|Split|Slice|Gather)$/;

/**
 * The first operator on the image that takes values up to 255 down: by a mean such as 123.675, or a factor such
 * as 1/255. `undefined` where there is none, or the values are taken up before.
 */
export function findScaleEvidence(resolved: ResolvedModel, input: string): string | undefined {
  const values = new Set([input]);
  for (const { name, opType, input: inputs, output } of resolved.model.graph.node) {
    const at = inputs.findIndex((value) => values.has(value));
    if (at < 0 || !passed.test(opType)) {
      continue;
    }
    output.forEach((value) => values.add(value));
    const constant = resolved.constant(inputs[1 - at] ?? "");
    const most = constant?.reduce((max, n) => Math.max(max, Math.abs(n)), 0) ?? 0;
    const factor = { Mul: most, Div: 1 / most }[opType] ?? 1;
    if (most > 0 && factor >= 10) {
      return undefined;
    }
    if (most > 0 && (factor <= 0.1 || (/Sub|Add/.test(opType) && most >= 10))) {
      return `'${name}' (${opType} ${constant?.[0]})`;
    }
  }
  return undefined;
}
