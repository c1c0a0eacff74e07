import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProto, type ModelProto } from "onnx-buf";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel, type Runtime } from "@onnx-asma/autodiff";
import {
  floats,
  graph,
  graphAttribute,
  modelProto,
  node,
} from "../../../../test/support/model-proto.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";

const size = 4;

/** A convolution beside a branch on a computed condition; its batch is free. */
function plainModel(): ModelProto {
  const branches = [
    graphAttribute(
      "then_branch",
      graph([node("Neg", ["zero"], ["t"]), node("Abs", ["t"], ["u"])], ["u"]),
    ),
    graphAttribute("else_branch", graph([node("Exp", ["zero"], ["e"])], ["e"])),
  ];
  const nodes = [
    node("Conv", ["x", "w"], ["c"], { kernel_shape: [1, 1] }),
    node("RandomUniform", [], ["r"], { shape: [1], seed: { float: 1 } }),
    node("Greater", ["r", "zero"], ["p"]),
    node("If", ["p"], ["g"], branches),
    node("Add", ["c", "g"], ["scores"]),
  ];
  const model = modelProto({ x: [1, 1, size, size] }, nodes, ["scores"], {
    initializer: [floats("zero", [], [0]), floats("w", [2, 1, 1, 1], [1, -1])],
  });
  const type = model.graph?.input[0]?.type?.value;
  if (type?.case === "tensorType") {
    Object.assign(type.value.shape?.dim[0] as object, { value: { case: "dimParam", value: "N" } });
  }
  return model;
}

/** Gives all values and nodes other names, those of branches too. */
function rename(part: GraphProto, to: (name: string) => string): void {
  for (const value of [...part.input, ...part.output, ...part.initializer]) {
    value.name = to(value.name);
  }
  for (const one of part.node) {
    one.name = to(one.name);
    one.input = one.input.map(to);
    one.output = one.output.map(to);
    one.attribute.forEach(({ g }) => g && rename(g, to));
  }
}

/** ONNX Runtime that notes the names of inputs and outputs of all sessions. */
function noting(names: Set<string>): Runtime {
  const create = async (...parameters: Parameters<typeof ort.InferenceSession.create>) => {
    const session = await ort.InferenceSession.create(...parameters);
    [...session.inputNames, ...session.outputNames].forEach((name) => names.add(name));
    return session;
  };
  return { Tensor: ort.Tensor, InferenceSession: { create: create as never } };
}

const image = (shift: number) => ({
  data: Float32Array.from({ length: size * size }, (_, i) => (((i + shift) * 37) % 100) / 100),
  dims: [1, 1, size, size] as const,
});
const target = {
  data: Int32Array.from({ length: size * size }, (_, i) => Number(i % 3 === 0)),
  dims: [size, size] as const,
};

/** What attacks of every kind come to. */
async function attacked(proto: ModelProto, runtime?: Runtime) {
  const bench = await workbenchOf(toBinary(ModelProtoSchema, proto), {}, runtime);
  const common = { iterations: 3, earlyStop: false };
  const choices: AttackChoice[] = [
    { ...common, levels: "float" },
    { ...common, levels: 256, region: Float32Array.from({ length: size * size }, () => 1) },
    { ...common, attack: "pgd", epsilon: 0.1, norm: "l2", levels: 256 },
    { ...common, attack: "mi-fgsm", epsilon: 0.1, levels: 256 },
  ];
  const images: number[][] = [];
  try {
    for (const choice of choices) {
      const run = await bench.attack(image(0), target, choice);
      images.push([...(await run.result).best.image.data]);
    }
    const both = [image(0), image(5)];
    const run = await bench.attackBatch(both, [target, target], {
      ...common,
      attack: "pgd",
      epsilon: 0.1,
    });
    for (const result of await run.result) {
      if (!("best" in result)) {
        throw result;
      }
      images.push([...result.best.image.data]);
    }
    expect(await bench.gradientProblem([size, size])).toBeUndefined();
  } finally {
    await bench.release();
  }
  return images;
}

/** The gradient that the training graph gives. */
async function gradientOf(proto: ModelProto): Promise<number[]> {
  const model = await readModel(toBinary(ModelProtoSchema, proto));
  const dims = [1, 1, size, size];
  const [name = ""] = model.graph.input.map((input) => input.name);
  const derived = differentiate(await resolve(model, ort as Runtime, { dims: { [name]: dims } }));
  const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
  const [x, upstream] = session.inputNames as [string, string];
  const results = await session.run({
    [x]: new ort.Tensor("float32", image(0).data, dims),
    [upstream]: new ort.Tensor(
      "float32",
      Float32Array.from({ length: 2 * size * size }, (_, i) => i),
      [1, 2, size, size],
    ),
  });
  await session.release();
  return [...(results[session.outputNames.at(-1) as string]?.data as Float32Array)];
}

it("are the model's own, whichever it has", async () => {
  const taken = new Set<string>();
  const expected = await attacked(plainModel(), noting(taken));
  const gradient = await gradientOf(plainModel());
  const own = new Set<string>();
  rename(plainModel().graph as GraphProto, (name) => {
    own.add(name);
    return name;
  });
  const fixed = [...taken].filter((name) => !own.has(name));
  for (const name of [
    "attack/image",
    "attack/labels",
    "batch/scores",
    "next_image",
    "seen",
    "metrics",
  ]) {
    expect(fixed).toContain(name);
  }
  const names = [...fixed, "x_grad", "scores_grad", "constant", "attack", "Conv_0"];
  names.push(...fixed.flatMap((name) => [`${name}_1`, `${name}_grad`]));
  const places = [...own];
  for (let shift = 0; shift < names.length; shift += 5) {
    const proto = plainModel();
    const to = (name: string) => names[(shift + places.indexOf(name)) % names.length] as string;
    rename(proto.graph as GraphProto, to);
    const [input, output] = [to("x"), to("scores")];
    expect([input, output, await gradientOf(proto)]).toEqual([input, output, gradient]);
    expect([input, output, await attacked(proto)]).toEqual([input, output, expected]);
  }
}, 120_000);
