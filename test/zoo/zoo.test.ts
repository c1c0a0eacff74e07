import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { measure } from "./measure.ts";
import { report, verdict, type Outcome, type Verdict } from "./report.ts";
import { zooModels } from "./zoo-entry.ts";

const { models, isComplete } = zooModels();
const exported = models.filter(({ failure }) => failure === undefined);

describe("the zoo of segmentation networks", () => {
  const outcomes: Outcome[] = [];

  it("is there", () => {
    expect(exported.length).toBeGreaterThanOrEqual(5);
  });

  it.each(exported.map((model) => [`${model.entry.name} (${model.exporter})`, model] as const))(
    "%s has PyTorch's gradient, or is refused with a reason",
    async (_, model) => {
      let outcome: Outcome;
      try {
        outcome = await measure(model);
      } catch (error) {
        outcomes.push({ model, fault: String(error) });
        throw error;
      }
      outcomes.push(outcome);
      expect(verdict(outcome), JSON.stringify({ ...outcome, model: undefined })).not.toBe("wrong");
      if (!isComplete) {
        expect(verdict(outcome)).toBe("right");
      }
    },
  );

  it.runIf(isComplete)("differentiates 95 of 100 models", () => {
    const count = (...verdicts: Verdict[]) =>
      outcomes.filter((outcome) => verdicts.includes(verdict(outcome))).length;
    expect(count("right") / count("right", "wrong", "refused")).toBeGreaterThanOrEqual(0.95);
  });

  afterAll(() => {
    if (isComplete && outcomes.length > 0) {
      const text = report(
        outcomes,
        models.filter(({ failure }) => failure !== undefined),
      );
      if (outcomes.length === exported.length) {
        writeFileSync(new URL("models/report.md", import.meta.url), text);
      }
      console.log(text);
    }
  });
});
