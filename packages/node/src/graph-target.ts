import type { SessionOptions, Target } from "@onnx-asma/autodiff";

/** The graph target for a session: the CPU unless another execution provider comes first. */
export function graphTarget(options: SessionOptions | undefined): Target {
  const first = options?.executionProviders?.[0] ?? "cpu";
  return (typeof first === "string" ? first : first.name) === "cpu" ? "cpu" : "any";
}
