import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/run-cli.ts";
import { attackScene, attackUntargeted } from "./attack-scene.ts";
import { python, recompute, script, type Recomputed } from "./recompute.ts";
import { scenes } from "./scenes.ts";

/** The largest difference of all scenes, by field of the record. */
const table = new Map<string, { count: number; worst: number }>();

function addToTable({ families }: Recomputed): void {
  for (const [family, [count, worst]] of Object.entries(families)) {
    const key = family.split(".").slice(0, 2).join(".");
    const row = table.get(key) ?? { count: 0, worst: 0 };
    table.set(key, { count: row.count + count, worst: Math.max(row.worst, worst) });
  }
}

describe.runIf(python !== undefined)("every figure is recomputed from the files alone:", () => {
  afterAll(() => {
    const rows = [...table].map(
      ([family, { count, worst }]) => `${family.padEnd(52)} ${count}  ${worst.toExponential(1)}`,
    );
    console.log(rows.join("\n"));
  });

  it.each(Object.keys(scenes))("%s", async (name) => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    const found = recompute(out, await attackScene(name, folder, out));
    expect(found).toMatchObject({ faults: [], notes: [] });
    addToTable(found);
  });

  it("away from labels, by PGD", async () => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    const found = recompute(out, await attackUntargeted(folder, out));
    expect(found).toMatchObject({ faults: [], notes: [] });
    addToTable(found);
  });

  it("and what is not as the record says is found", async () => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    const given = await attackScene("PNG of 8 bits, target as mask", folder, out);
    const record = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
    /** Faults once a copy of the results was changed. */
    const faultsOf = (change: (copy: string, changed: typeof record) => void) => {
      const copy = join(temporaryFolder(), "copy");
      cpSync(out, copy, { recursive: true });
      const changed = structuredClone(record);
      change(copy, changed);
      writeFileSync(join(copy, "result.json"), JSON.stringify(changed));
      return recompute(copy, given).faults.map((fault) => fault.split(":")[0]);
    };
    expect(faultsOf(() => undefined)).toEqual([]);
    expect(
      faultsOf((_, changed) => {
        changed.saved.l2 *= 1 + 4e-6;
        changed.saved.l0 += 1;
        changed.visibility.ssim -= 2e-6;
        changed.classes[1].iouAfter += 2e-6;
        changed.agreement.after.iou["mean-all"] = null;
        changed.best.loss += 1;
        changed.model.sha256 = "0".repeat(64);
        changed.saved.another = 1;
      }).toSorted(),
    ).toEqual(
      `agreement.after.iou.mean-all best.loss classes.1.iouAfter model.sha256
      saved.another saved.l0 saved.l2 visibility.ssim`.split(/\s+/),
    );
    const swapped = faultsOf((copy) =>
      copyFileSync(join(copy, "labels-before.png"), join(copy, "labels-after.png")),
    );
    expect(swapped).toContain("labels after are what the model draws");
    expect(swapped).toContain("saved.iou");
  });

  it("says how it is called", () => {
    expect(execFileSync(python as string, [script, "--help"]).toString()).toContain("--model");
  });
});
