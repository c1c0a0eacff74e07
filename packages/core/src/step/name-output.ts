import type { GraphBuilder, Value } from "@onnx-asma/autodiff";

/** Makes a value an output and says under which name. */
export function nameOutput(b: GraphBuilder, value: Value, name: string): string {
  return b.output(value, name).name;
}
