import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProto } from "onnx-buf";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import { goldenTarget, unet3, writeImage, writeMask } from "../support/golden-scene.ts";
import { floats, graph, graphAttribute, node } from "../support/model-proto.ts";
import { runJson, temporaryFolder } from "../support/run-cli.ts";

/** The golden U-Net plus ⌊side⌋, where side, in [0, 1), is read from the image by the branch of an If. */
function withBranches(): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, readFileSync(unet3));
  const main = proto.graph as GraphProto;
  const halved = (operator: string) =>
    graph(
      [node(operator, ["image"], ["number"]), node("Mul", ["number", "half"], ["halved"])],
      ["halved"],
    );
  main.initializer.push(floats("half", [], [0.5]));
  main.node.push(
    node("ReduceMean", ["image"], ["mean"], { keepdims: 0 }),
    node("Greater", ["mean", "half"], ["bright"]),
    node(
      "If",
      ["bright"],
      ["side"],
      [
        graphAttribute("then_branch", halved("ReduceMin")),
        graphAttribute("else_branch", halved("ReduceMax")),
      ],
    ),
    node("Floor", ["side"], ["whole"]),
    node("Add", ["logits", "whole"], ["scores"]),
  );
  main.output.forEach((output) => (output.name = "scores"));
  return toBinary(ModelProtoSchema, proto);
}

it("attacks a model whose branches read the image as the same model without them", async () => {
  const folder = temporaryFolder();
  const model = join(folder, "model.onnx");
  writeFileSync(model, withBranches());
  const image = writeImage(folder, "three");
  const mask = writeMask(folder, goldenTarget("three.moved"));
  const attack = async (path: string, name: string) => {
    const out = join(folder, name);
    const args = ["attack", path, image, "--target", mask, "-o", out, "--iterations", "3"];
    const { code, object } = await runJson<ResultRecord>(args);
    expect(code).toBe(3);
    return { saved: object.saved, pixels: readFileSync(join(out, "adversarial.png")) };
  };
  expect(await attack(model, "branches")).toEqual(await attack(unet3, "plain"));
});
