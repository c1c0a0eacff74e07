import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { operatorCases, type OperatorCase } from "../support/operator-case.ts";
import { operatorGraph, relativeError } from "../support/operator-graph.ts";
import { OperatorRunner, type Device } from "./support/operator-page.ts";
import { hasBrowser } from "./support/open-page.ts";

/** By device and operator: "yes", or what went wrong; what OPERATORS.md shows. */
type Outcomes = Record<Device, Record<string, string>>;

/** `pnpm operators:web` measures everything and writes the file; otherwise a part is compared with it. */
const isMeasuring = process.env["OPERATORS_WEB"] !== undefined;
const only = process.env["OPERATOR"];
const file = new URL("../conformance/browser-outcomes.json", import.meta.url);
const known: Outcomes = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as Outcomes)
  : { wasm: {}, webgpu: {} };
const isOfOnnx = ({ domain = "" }: OperatorCase) => domain === "";
const hasGradient = ({ inputs }: OperatorCase) => inputs.some((t) => t?.gradient !== undefined);
const cases = operatorCases(only).filter((one) => isOfOnnx(one) && hasGradient(one));
const operators = [...new Set(cases.map(({ opType }) => opType))].filter(
  (opType) => !isFlat(casesOf(opType)),
);

/** Cases of operators that have no gradient hold zeros. */
function isFlat(own: readonly OperatorCase[]): boolean {
  return own.every(({ inputs }) =>
    inputs.every((t) => t?.gradient === undefined || /^A*=*$/.test(t.gradient)),
  );
}

function casesOf(opType: string): OperatorCase[] {
  return cases.filter((one) => one.opType === opType);
}

/** Runs cases of an operator on a device and puts into words what came of it. */
async function measure(runner: OperatorRunner, device: Device, own: OperatorCase[]) {
  const faults = new Map<string, number>();
  const onCpu = new Set<string>();
  let failed = 0;
  for (const testCase of own) {
    const graph = await operatorGraph(testCase);
    const { any, cpu } = graph.bytes;
    const isSame = device === "webgpu" || Buffer.compare(any, cpu) === 0;
    let fault: string | undefined;
    for (const bytes of isSame ? [any] : [any, cpu]) {
      try {
        const answer = await runner.run(bytes, graph.feeds);
        answer.onCpu.forEach((opType) => onCpu.add(opType));
        const errors = graph.expected.map(({ name, data }) => ({
          what: name.endsWith("_grad") ? "gradient" : "output",
          error: relativeError(answer.outputs[name] ?? [], data),
        }));
        const wrong = errors.find(({ error }) => !(error < 1e-4));
        fault ??= wrong && `${wrong.what} off by ${wrong.error.toExponential(0)}`;
      } catch (error) {
        fault ??= shorten(error instanceof Error ? error.message : String(error));
      }
    }
    if (fault !== undefined) {
      failed += 1;
      faults.set(fault, (faults.get(fault) ?? 0) + 1);
      console.log(
        `${device} ${testCase.opType} (opset ${testCase.opset}) ${testCase.name}: ${fault}`,
      );
    }
  }
  const reasons = [...faults.keys()].join("; ");
  const result = failed === 0 ? "yes" : `not ${failed} of ${own.length} cases (${reasons})`;
  return onCpu.size === 0 ? result : `${result}; on the CPU: ${[...onCpu].toSorted().join(", ")}`;
}

/** The runtime's reason without its place in the source and the names of a case. */
function shorten(message: string): string {
  const [first = ""] = message
    .replace(/^page\.evaluate: (Error: )?/, "")
    .replaceAll(/\/\S*\/(?=onnxruntime\/)/g, "")
    .replace(/^.*ERROR_MESSAGE: /, "")
    .replace(
      /^Non-zero status code returned while running (\w+) node\. Name:'\S*' Status Message: /,
      "$1: ",
    )
    .split("\n");
  return first.replaceAll("|", "/").slice(0, 110).trim();
}

describe.skipIf(!hasBrowser || isMeasuring)("a part of the cases on WebAssembly", () => {
  const runner = new OperatorRunner("wasm");
  afterAll(async () => await runner.close());

  it("has an entry for every operator", () => {
    for (const device of ["wasm", "webgpu"] as const) {
      expect(operators.filter((opType) => known[device][opType] === undefined)).toEqual([]);
    }
  });

  it.each(operators)("%s", async (opType) => {
    if (known.wasm[opType] === "yes") {
      expect(await measure(runner, "wasm", casesOf(opType).slice(0, 1))).toBe("yes");
    }
  });
});

describe.skipIf(!hasBrowser || !isMeasuring).each(["wasm", "webgpu"] as const)(
  "on %s",
  (device) => {
    const runner = new OperatorRunner(device);
    afterAll(async () => {
      await runner.close();
      const sorted = (entries: Record<string, string>) =>
        Object.fromEntries(Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const outcomes = { wasm: sorted(known.wasm), webgpu: sorted(known.webgpu) };
      writeFileSync(file, `${JSON.stringify(outcomes, null, 1)}\n`);
    });

    it.each(operators)("%s", { timeout: 1_800_000 }, async (opType) => {
      known[device][opType] = await measure(runner, device, casesOf(opType));
    });
  },
);
