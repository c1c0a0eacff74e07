import * as ort from "onnxruntime-node";
import type { Runtime } from "@onnx-asma/autodiff";
import { buildStepGraph, SegmentationModel, wayOutOf } from "@onnx-asma/core";
import { readModelFile } from "../../read-model-file.ts";
import { exitCodes } from "../exit-codes.ts";
import { readModelOptions, type ModelFlags } from "../model-flags.ts";
import { sayFlags } from "../flag-words.ts";
import { messageOf, printError, printResult, table } from "../output.ts";

/** `onnx-asma inspect MODEL`: what a model was taken to mean, and whether it can be attacked. */
export async function inspect(
  path: string,
  flags: ModelFlags & { readonly json?: boolean },
): Promise<number> {
  const file = await readModelFile(path);
  const model = await SegmentationModel.load(
    ort as Runtime,
    file,
    undefined,
    await readModelOptions(path, flags),
  );
  const { description } = model;
  let problem: unknown;
  try {
    buildStepGraph(model, { mask: "adaptive", iou: "mean-present" });
  } catch (error) {
    problem = error;
  }
  const isDifferentiable = problem === undefined;
  const { graph, proto } = file;
  const facts = {
    producer: `${proto.producerName} ${proto.producerVersion}`.trim(),
    irVersion: Number(proto.irVersion),
    opset: description.opset,
    nodes: graph.node.length,
    operators: [...new Set(model.resolved.model.graph.node.map((node) => node.opType))].toSorted(),
  };
  const { code } = (problem ?? {}) as { code?: string };
  printResult(
    flags.json === true,
    {
      model: path,
      ...facts,
      ...description,
      isDifferentiable,
      problem: isDifferentiable ? undefined : { code, message: messageOf(problem) },
    },
    () =>
      [
        `${path}: opset ${facts.opset}, ${facts.nodes} nodes, ${facts.producer || "unknown producer"}`,
        "",
        table(
          description.decisions.map((d) =>
            [d.what, d.is, `(${d.because}; ${wayOutOf(d)})`].map(sayFlags),
          ),
        ),
        table([
          [
            "classes",
            description.classNames.map((name, c) => `${c} ${name}`).join(", "),
            "(--classes)",
          ],
          ["gradient", isDifferentiable ? gradientOrigin(model) : "missing, see below", ""],
        ]),
      ].join("\n"),
  );
  if (!isDifferentiable) {
    printError(problem, false);
  }
  await model.release();
  return isDifferentiable ? exitCodes.reached : exitCodes.unsupportedModel;
}

function gradientOrigin({ trainingGraph }: SegmentationModel): string {
  return trainingGraph === undefined
    ? "every operator on the way has a rule"
    : "from the training graph";
}
