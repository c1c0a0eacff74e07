import type { Decision } from "@onnx-asma/core";
import { loadModel } from "../../load-model.ts";
import type { LoadedModel } from "../../loaded-model.ts";
import { exitCodes } from "../exit-codes.ts";
import { sayFlags } from "../flag-words.ts";
import { modelOptionsOf, type ModelFlags } from "../model-flags.ts";
import { readFeeds } from "../read-feeds.ts";
import { messageOf, printError, printResult, table } from "../output.ts";

/** Flags of `onnx-asma inspect`. */
export interface InspectFlags extends ModelFlags {
  readonly json?: boolean;
}

/** `onnx-asma inspect MODEL`: what a model was taken to mean, and whether it can be attacked. */
export async function inspect(path: string, flags: InspectFlags): Promise<number> {
  const model = await loadModel(path, {
    ...modelOptionsOf(flags),
    feeds: await readFeeds(flags.feed),
  });
  try {
    return await report(path, model, flags.json === true);
  } finally {
    await model.release();
  }
}

async function report(path: string, model: LoadedModel, asJson: boolean): Promise<number> {
  const description = await model.describe();
  const problem = await model.gradientProblem();
  const isDifferentiable = problem === undefined;
  const { graph, proto } = model.model;
  const facts = {
    producer: `${proto.producerName} ${proto.producerVersion}`.trim(),
    irVersion: Number(proto.irVersion),
    opset: description.opset,
    nodes: graph.node.length,
    operators: description.operators,
  };
  const { code } = (problem ?? {}) as { code?: string };
  printResult(
    asJson,
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
            [
              d.what,
              d.is,
              `(${d.isUnsure === true ? "unsure: " : ""}${d.because}; ${wayOutOf(d)})`,
            ].map(sayFlags),
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
  return isDifferentiable ? exitCodes.reached : exitCodes.unsupportedModel;
}

function gradientOrigin({ options }: LoadedModel): string {
  return options.trainingGraph === undefined
    ? "every operator on the way has a rule"
    : "from the training graph";
}

/** What decides otherwise, in words, with options in backticks. */
function wayOutOf({ options, wayOut }: Decision): string {
  return wayOut ?? options.map((key) => `\`${key}\``).join(", ");
}
