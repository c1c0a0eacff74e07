import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import { runJson, temporaryFolder } from "../../support/run-cli.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

it("reached means reached by the model itself, on every processor", async () => {
  const out = join(temporaryFolder(), "out");
  const aim = ["--target", file("mask.png"), "--iou", "0.7", "-o", out];
  const args = ["attack", file("model.onnx"), file("image.png"), ...aim];
  const { code, object } = await runJson<ResultRecord>(args);
  expect(code).toBe(0);
  expect(object).toMatchObject({ reached: true, stopReason: "reached" });
  expect(object.saved.iou).toBeGreaterThanOrEqual(0.7);
  const last = object.judged.at(-1);
  expect(last).toMatchObject({ step: object.best.step, iou: object.saved.iou, reached: true });
  expect(object.passes.judgements).toBe(object.judged.length);
});
