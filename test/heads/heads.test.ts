import { readFile } from "node:fs/promises";
import { inflateSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { isAsmaError, sizeOf, type ModelDescription } from "@onnx-asma/core";
import { loadModel, type LoadModelOptions } from "@onnx-asma/node";

/** A head of make_heads.py. */
interface Head {
  readonly name: string;
  readonly classes: number;
  readonly output: string;
  readonly size?: readonly number[];
  /** uint8, deflated, base64. */
  readonly labels?: string;
  /** What decides where the graph alone does not tell. */
  readonly options?: LoadModelOptions;
  /** The code of the refusal; `meaningless` for what has no labels, which may be taken for unsure too. */
  readonly refused?: string;
}

type Outcome = "right" | "unsure" | "refused" | "wrong";

const folder = new URL(".", import.meta.url).pathname;
const all = JSON.parse(await readFile(`${folder}/heads.json`, "utf8")) as readonly Head[];
const heads = all.filter(({ name }) => !name.startsWith("sure-"));

/** Pixels on which rounding may decide. */
const rounding = 2;

function differing(head: Head, found: ArrayLike<number>): number {
  const expected = inflateSync(Buffer.from(head.labels ?? "", "base64"));
  return found.length === expected.length
    ? expected.filter((label, i) => label !== found[i]).length
    : expected.length;
}

async function understand(head: Head, options: LoadModelOptions = {}) {
  const model = await loadModel(`${folder}/models/${head.name}.onnx`, options);
  try {
    const image = await model.readImage(`${folder}/picture.png`);
    const description = await model.describe(sizeOf(image));
    const labels = await model.predict(image);
    const target = { ...labels, data: labels.data.map((label) => 1 - Math.min(label, 1)) };
    const run = await model.attack(image, target, { iterations: 1, levels: "float" });
    let stepped: ArrayLike<number> = [];
    for await (const step of run) {
      stepped = step.step === 0 ? (await step.prediction()).data : stepped;
    }
    return { description, labels: labels.data, stepped };
  } finally {
    await model.release();
  }
}

const isUnsure = ({ decisions }: ModelDescription) =>
  decisions.some((d) => d.isUnsure === true && d.options.length > 0);

async function outcomeOf(head: Head): Promise<{ outcome: Outcome; found: string }> {
  try {
    const { description, labels, stepped } = await understand(head);
    const { classes, output } = description.head;
    const wrong = differing(head, labels);
    const said = description.decisions.find(({ what }) => what === "scores");
    const found = `${output}, ${classes} classes, ${wrong} pixels differ; ${said?.is} (${said?.because})`;
    // The graph that is attacked and the judge see the same.
    const apart = labels.filter((label, i) => label !== stepped[i]).length;
    if (apart > rounding) {
      return { outcome: "wrong", found: `step and verdict differ on ${apart} pixels; ${found}` };
    }
    if (isUnsure(description)) {
      return { outcome: "unsure", found };
    }
    const isRight = wrong <= rounding && classes === head.classes && output === head.output;
    return { outcome: isRight ? "right" : "wrong", found };
  } catch (error) {
    return isAsmaError(error)
      ? { outcome: "refused", found: `${error.code}: ${error.message}` }
      : { outcome: "wrong", found: String(error) };
  }
}

const outcomes: Record<Outcome, string[]> = { right: [], unsure: [], refused: [], wrong: [] };

describe("heads whose meaning is known", () => {
  it.each(heads)("$name", { timeout: 60_000 }, async (head) => {
    const { outcome, found } = await outcomeOf(head);
    outcomes[outcome].push(head.name);
    if (head.refused === "meaningless") {
      expect(["unsure", "refused"], found).toContain(outcome);
    } else if (head.refused !== undefined) {
      expect(outcome, found).toBe("refused");
      expect(found).toContain(head.refused);
    } else if (head.options !== undefined) {
      expect(outcome, found).toBe("unsure");
      const told = await understand(head, head.options);
      expect(isUnsure(told.description)).toBe(false);
      expect(differing(head, told.labels)).toBeLessThanOrEqual(rounding);
    } else {
      expect(outcome, found).toBe("right");
    }
  });

  afterAll(() => {
    const rows = Object.entries(outcomes).map(([outcome, names]) => `${outcome} ${names.length}`);
    console.log(`${heads.length} heads: ${rows.join(" | ")}`);
  });
});
