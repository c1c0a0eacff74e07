import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { NodeCase } from "../support/node-case.ts";
import { runNodeCase, type Outcome } from "../support/run-node-case.ts";

const folder = new URL("cases/", import.meta.url);
const isComplete = existsSync(folder);
const only = process.env["OPERATOR"];
const files = isComplete
  ? readdirSync(folder)
      .toSorted()
      .map((file) => new URL(file, folder))
  : [new URL("selection.json", import.meta.url)];
const cases = files
  .flatMap((file) => JSON.parse(readFileSync(file, "utf8")) as NodeCase[])
  .filter(({ operator }) => only === undefined || operator === only);

/** By operator: cases verified, those with its function body in its place, their opsets, operators missing, the others by name with the reason. */
const outcomes: Record<
  string,
  { verified: number; expanded: number; readonly opsets: number[] } & Record<string, unknown>
> = {};

function note({ name, operator }: NodeCase, outcome: Outcome): void {
  const group = (outcomes[operator] ??= { verified: 0, expanded: 0, opsets: [] });
  if (outcome.state === "verified") {
    // The function body of the operator, written out, is another graph.
    const isExpanded = name.includes("_expanded");
    group[isExpanded ? "expanded" : "verified"] += 1;
    if (!isExpanded && !group.opsets.includes(outcome.opset)) {
      group.opsets.push(outcome.opset);
      group.opsets.sort((a, b) => a - b);
    }
    if (outcome.constantInputs.length > 0) {
      const list = (group["constant inputs"] ??= {}) as Record<string, string>;
      list[name] = outcome.constantInputs.join(", ");
    }
  } else if (outcome.state === "no rule") {
    const counts = (group["no rule"] ??= {}) as Record<string, number>;
    counts[outcome.reason] = (counts[outcome.reason] ?? 0) + 1;
  } else {
    const list = (group[outcome.state] ??= {}) as Record<string, string>;
    list[name] = outcome.reason;
  }
}

for (const operator of new Set(cases.map((testCase) => testCase.operator))) {
  describe(operator, () => {
    it.each(cases.filter((testCase) => testCase.operator === operator))(
      "$name",
      async (testCase) => {
        const outcome = await runNodeCase(testCase);
        note(testCase, outcome);
        expect(outcome.state, "reason" in outcome ? outcome.reason : "").not.toBe("failed");
      },
    );
  });
}

it.runIf(isComplete && only === undefined)("comes out as outcomes.json says", async () => {
  await expect(`${JSON.stringify(outcomes, null, 1)}\n`).toMatchFileSnapshot("outcomes.json");
});

it.runIf(!isComplete)("verifies most of the selection", () => {
  const verified = Object.values(outcomes).reduce(
    (sum, group) => sum + group.verified + group.expanded,
    0,
  );
  expect(verified).toBeGreaterThan(60);
});
