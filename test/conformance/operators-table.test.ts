import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { gradientRules, notDifferentiable, zeroGradients } from "@onnx-asma/autodiff";
import { operatorCases } from "../support/operator-case.ts";

interface Outcomes {
  readonly verified: number;
  readonly expanded: number;
  readonly opsets: readonly number[];
  readonly "runtime refuses"?: Readonly<Record<string, string>>;
  readonly refused?: Readonly<Record<string, string>>;
}

/** By provider and operator: "yes", or what went wrong, see test/web/operators.test.ts. */
type BrowserResults = Readonly<Record<"wasm" | "webgpu", Readonly<Record<string, string>>>>;

const read = <T>(path: string, fallback: T): T => {
  const url = new URL(path, import.meta.url);
  return existsSync(url) ? (JSON.parse(readFileSync(url, "utf8")) as T) : fallback;
};
const outcomes = read<Readonly<Record<string, Outcomes>>>("outcomes.json", {});
const browser = read<BrowserResults>("browser-outcomes.json", { wasm: {}, webgpu: {} });
const rules = new Set(gradientRules.map((rule) => rule.opType));
const cases = operatorCases().filter(({ domain = "" }) => domain === "");

function row(operator: string): string[] {
  const own = cases.filter(({ opType }) => opType === operator);
  const onnx = outcomes[operator];
  const verified = onnx?.verified ?? 0;
  const opsets = [...new Set([...own.map(({ opset }) => opset), ...(onnx?.opsets ?? [])])];
  const count = (state: "refused" | "runtime refuses") => Object.keys(onnx?.[state] ?? {}).length;
  const others = [
    verified > 0 ? String(verified) : "",
    (onnx?.expanded ?? 0) > 0 ? `${onnx?.expanded} of its function body` : "",
    count("refused") > 0 ? `${count("refused")} refused` : "",
    count("runtime refuses") > 0 ? `${count("runtime refuses")} not run by the runtime` : "",
  ].filter((text) => text !== "");
  const isVerified = own.length + verified > 0;
  return [
    `[${operator}](https://onnx.ai/onnx/operators/onnx__${operator}.html)`,
    state(operator, verified),
    opsets.toSorted((a, b) => a - b).join(", "),
    own.length > 0 ? String(own.length) : "",
    others.join("; "),
    ...(isVerified
      ? [
          "yes",
          browser.wasm[operator] ?? "not measured",
          browser.webgpu[operator] ?? "not measured",
        ]
      : ["", "", ""]),
  ];
}

/** Operators of old opsets, written as newer ones before anything looks at them. */
const rewritten: Readonly<Record<string, string>> = {
  Scatter: "as ScatterElements",
  Upsample: "as Resize",
};

function state(operator: string, verified: number): string {
  if (rules.has(operator)) {
    return "rule";
  }
  if (zeroGradients.has(operator)) {
    return "zero";
  }
  const reason = notDifferentiable.get(operator);
  return (
    rewritten[operator] ??
    (verified > 0 ? "expansion" : reason === undefined ? "no rule" : `none: ${reason}`)
  );
}

function table(): string {
  const operators = new Set([
    ...rules,
    ...zeroGradients,
    ...notDifferentiable.keys(),
    ...Object.keys(outcomes),
    ...cases.map(({ opType }) => opType),
  ]);
  const header = [
    ["Operator", "Gradient", "Opsets tested", "Cases", "ONNX node cases", "CPU", "WASM", "WebGPU"],
    Array.from({ length: 8 }, () => "---"),
  ];
  const rows = [...operators].toSorted().map(row);
  return [...header, ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

const introduction = `# Operators

Written by \`npx pnpm@10 operators\` from the registry (\`packages/autodiff/src/rules/index.ts\`) and the tests.

**Gradient**: by a *rule* of its own; by *expansion* into operators with rules; *zero* almost everywhere, so that a path
may pass by but not end there; *as* the operator of a newer opset that took its place; or *none*, with the reason. **Cases** were compared with PyTorch (\`test/operators\`),
**ONNX node cases** with their expected outputs and finite differences (\`test/conformance\`), in the opsets listed. A case
is refused where a rule says that it has no gradient; \`test/conformance/outcomes.json\` names each with the reason.

**CPU**: onnxruntime-node. **WASM**, **WebGPU**: all **Cases** in Chromium with onnxruntime-web 1.30, forwards and gradients
against PyTorch (\`npx pnpm@10 operators:web\`; WebGPU on a software adapter). *On the CPU* names what the WebGPU provider left
to the CPU by its own account in any of the cases; shapes and integers it leaves there by design. What is *off* there in the
operator itself is off in the untouched model too: WebAssembly is then the device to take.

`;

it("is what OPERATORS.md says (else: npx pnpm@10 operators)", async () => {
  await expect(introduction + table()).toMatchFileSnapshot("../../OPERATORS.md");
});
