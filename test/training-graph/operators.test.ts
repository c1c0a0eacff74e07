import { readdirSync, readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readModel, type Runtime } from "@onnx-asma/autodiff";
import {
  checkTrainingGraph,
  importTrainingGraph,
  trainingOperators,
} from "@onnx-asma/autodiff/training-graph";

const folder = new URL("operators/", import.meta.url);
const files = readdirSync(folder);
const runtime = ort as Runtime;

async function load(file: string, target: "any" | "cpu") {
  const model = await readModel(readFileSync(new URL(file, folder)));
  const dimsOf = (values: typeof model.graph.input, wanted: string) => {
    const type = values.find(({ name }) => name === wanted)?.type?.value;
    const tensor = type?.case === "tensorType" ? type.value : undefined;
    return tensor?.shape?.dim.map(({ value }) => Number(value.value)) ?? [];
  };
  const graph = await importTrainingGraph(model, runtime, {
    image: { name: "x", dims: dimsOf(model.graph.input, "x") },
    scores: { name: "y", dims: dimsOf(model.graph.output, "y"), dtype: "float32" },
    target,
  });
  return { model, graph };
}

it("has a graph for every operator that is lowered", () => {
  const covered = files.flatMap((file) => [file.replace(/(-\w+)*\.onnx$/, "")]);
  const missing = trainingOperators.filter(({ opType }) => !covered.includes(opType));
  expect(missing.map(({ opType }) => opType)).toEqual([]);
});

describe.each(["any", "cpu"] as const)("for %s", (target) => {
  it.each(files)("agrees with finite differences: %s", async (file) => {
    const { model, graph } = await load(file, target);
    const nodes = graph.resolved.model.graph.node;
    const given = new Set(model.graph.node.map(({ opType, domain }) => domain + opType));
    expect(model.graph.node.map(({ opType }) => opType)).toContain(
      file.replace(/(-.*)?\.onnx$/, ""),
    );
    const isForeign = ({ opType, domain }: (typeof nodes)[number]) =>
      opType.endsWith("Grad") || (domain !== "" && !opType.endsWith("Gelu"));
    expect(nodes.filter(isForeign)).toEqual([]);
    expect(graph.lowered.every((op) => given.has(op) || given.has(`com.microsoft${op}`))).toBe(
      true,
    );
    expect(await checkTrainingGraph(graph, runtime)).toBeLessThan(5e-3);
  });
});
