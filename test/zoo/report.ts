import type { Measurement } from "./measure.ts";
import type { ZooModel } from "./zoo-entry.ts";

/** Largest error of a gradient or of an output that counts as right. */
export const errorLimit = 1e-3;

/** What became of a model: a measurement, a fault (its message), or no model at all. */
export type Outcome = Measurement | { readonly model: ZooModel; readonly fault: string };

/** In a word: the last two are the exporter's, not ours. */
export type Verdict = "right" | "wrong" | "refused" | "export differs" | "export does not run";

/** The verdict on one model. */
export function verdict(outcome: Outcome): Verdict {
  if ("fault" in outcome) {
    return "wrong";
  }
  if (outcome.refusal !== undefined) {
    return "refused";
  }
  if (outcome.notRunnable !== undefined) {
    return "export does not run";
  }
  const isRight = (error: number | undefined) => error !== undefined && error <= errorLimit;
  if (!isRight(outcome.exportError)) {
    return "export differs";
  }
  return isRight(outcome.forwardError) && isRight(outcome.gradientError) ? "right" : "wrong";
}

/** The table of all models as markdown, with its sums above it. */
export function report(outcomes: readonly Outcome[], notExported: readonly ZooModel[]): string {
  const count = (what: Verdict) => outcomes.filter((outcome) => verdict(outcome) === what).length;
  const names = new Set(outcomes.map(({ model }) => model.entry.name));
  return `# Zoo

${names.size} architectures, ${outcomes.length} models: ${count("right")} right (errors up to ${errorLimit} of the largest value), ${count("wrong")} wrong, ${count("refused")} refused, ${count("export differs")} whose export is not the network, ${count("export does not run")} that ONNX Runtime refuses itself; ${notExported.length} could not be exported.

| Architecture | Exporter | Opset | Nodes | Gradient nodes | Verdict | Gradient error | Forward error | PyTorch float32 | Seconds |
|---|---|--:|--:|--:|---|--:|--:|--:|--:|
${outcomes.map(row).join("\n")}

## Not exported

${notExported.map((model) => `- ${model.entry.name}, ${model.exporter}: ${model.failure}`).join("\n") || "None."}
`;
}

function row(outcome: Outcome): string {
  const { entry, exporter } = outcome.model;
  const verdictOf = verdict(outcome);
  const of32 = exponent(entry.float32GradientError);
  if ("fault" in outcome) {
    const fault = escape(outcome.fault);
    return `| ${entry.name} | ${exporter} | | | | ${verdictOf}: ${fault} | | | ${of32} | |`;
  }
  const { opset, nodes, gradientNodes, gradientError, forwardError, seconds } = outcome;
  const reason = outcome.refusal ?? outcome.notRunnable;
  const why = reason === undefined ? "" : `: ${escape(reason)}`;
  return `| ${entry.name} | ${exporter} | ${opset} | ${nodes} | ${gradientNodes ?? ""} | ${verdictOf}${why} | ${exponent(gradientError)} | ${exponent(forwardError)} | ${of32} | ${seconds.toFixed(1)} |`;
}

function exponent(value: number | undefined): string {
  return value === undefined ? "" : value.toExponential(1);
}

function escape(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
