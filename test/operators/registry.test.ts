import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { expansions, gradientRules, notDifferentiable, zeroGradients } from "@onnx-asma/autodiff";

/** Opsets that brought or changed every operator of ONNX's default domain (make_operator_list.py). */
const opsets = JSON.parse(
  readFileSync(new URL("operators.json", import.meta.url), "utf8"),
) as Readonly<Record<string, readonly number[]>>;

/** Newest opset whose operators are all decided on. */
const newest = 26;

const decided = [
  ...expansions.filter(({ domain }) => !domain).map(({ opType }) => opType),
  ...gradientRules.map((rule) => rule.opType),
  ...zeroGradients,
  ...notDifferentiable.keys(),
  // Written as others before anything looks at them: test/opsets/opset-changes.test.ts.
  "Scatter",
  "Upsample",
];

it("decides on every operator, once", () => {
  const missing = Object.entries(opsets).flatMap(([name, [first = 0]]) =>
    first > newest || decided.includes(name) ? [] : [name],
  );
  const twice = decided.filter((name, i) => decided.indexOf(name) !== i);
  expect({ missing, twice }).toEqual({ missing: [], twice: [] });
});

it("knows no operator that ONNX lacks", () => {
  // ONNX Runtime writes this one into the default domain.
  const known = (name: string) =>
    Object.hasOwn(opsets, name) || name === "SimplifiedLayerNormalization";
  expect(decided.filter((name) => !known(name))).toEqual([]);
});

it("gives a reason wherever it refuses", () => {
  for (const reason of notDifferentiable.values()) {
    expect(reason).toMatch(/^[a-zA-Z].{10,}[^.]$/);
  }
});
