import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import { goldenTarget, writeImage, writeMask } from "../support/golden-scene.ts";
import { expectFailure, runCli, runJson, temporaryFolder } from "../support/run-cli.ts";
import { unet3Training } from "../support/training-graph.ts";

/** The model and its training graph, which refers to the model's weights, in one folder. */
function scene() {
  const folder = temporaryFolder();
  const model = join(folder, "unet3.onnx");
  const trainingGraph = join(folder, "unet3.training.onnx");
  copyFileSync(unet3Training.model, model);
  copyFileSync(unet3Training.trainingGraph, trainingGraph);
  const image = writeImage(folder, "three");
  const mask = writeMask(folder, goldenTarget("three.moved"));
  return { folder, model, trainingGraph, image, mask };
}

it("inspects a training graph with its model", async () => {
  const { model, trainingGraph } = scene();
  const { code, stdout } = await runCli(["inspect", model, "--training-graph", trainingGraph]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /training graph +'image' and the gradient of 'logits' \('logits_grad'\) in/,
  );
  expect(stdout).toMatch(/gradient +from the training graph/);
});

it("attacks with it as with our own gradient, and measures on the model itself", async () => {
  const { folder, model, trainingGraph, image, mask } = scene();
  const attack = async (name: string, ...flags: string[]) => {
    const out = join(folder, name);
    const steps = ["--beta", "0.02", "--tau", "0.002", "--iterations", "8"];
    const args = ["attack", model, image, "--target", mask, "-o", out, ...steps, ...flags];
    return (await runJson<ResultRecord>(args)).object;
  };
  const ours = await attack("ours");
  const theirs = await attack("theirs", "--training-graph", trainingGraph);
  expect(theirs.saved.iou).toBeGreaterThan(0.5);
  expect(theirs.saved.iou).toBeCloseTo(ours.saved.iou, 6);
  expect(theirs.saved.l2 / ours.saved.l2).toBeCloseTo(1, 4);
});

it("refuses training graphs that are missing, cut off, of operators unknown, or not asked for", async () => {
  const { folder, model, trainingGraph } = scene();
  const inspect = (...flags: string[]) => ["inspect", model, ...flags];
  await expectFailure(inspect("--training-graph", join(folder, "none.onnx")), {
    exit: 1,
    code: "ERR_FILE_NOT_FOUND",
  });
  const bytes = readFileSync(trainingGraph);
  const cut = join(folder, "cut.onnx");
  writeFileSync(cut, bytes.subarray(0, 9000));
  await expectFailure(inspect("--training-graph", cut), { exit: 1, code: "ERR_MODEL_UNREADABLE" });
  const strange = join(folder, "strange.onnx");
  writeFileSync(
    strange,
    Buffer.from(bytes.toString("latin1").replaceAll("ReluGrad", "OddlGrad"), "latin1"),
  );
  await expectFailure(inspect("--training-graph", strange), {
    exit: 4,
    code: "ERR_TRAINING_OPERATOR",
  });
  await expectFailure(inspect("--upstream-input", "logits_grad"), { exit: 2, code: "ERR_USAGE" });
});
