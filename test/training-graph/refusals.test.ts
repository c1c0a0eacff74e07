import { create } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { AttributeProtoSchema, NodeProtoSchema, type ModelProto, type NodeProto } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { makeTensor } from "../../packages/autodiff/src/model/tensor.ts";
import { readModel, type Model, type Runtime } from "@onnx-asma/autodiff";
import { SegmentationModel, type TrainingGraphOptions } from "@onnx-asma/core";
import { trainingGraphFrom } from "@onnx-asma/core/training-graph";
import { readModelFile } from "@onnx-asma/node";
import { golden } from "../support/golden-scene.ts";
import { readTrainingFixture, unet3Training } from "../support/training-graph.ts";

const loaded: SegmentationModel[] = [];
afterAll(async () => {
  await Promise.all(loaded.map((model) => model.release()));
});

async function load(
  trainingGraph: TrainingGraphOptions,
  path = unet3Training.model,
): Promise<SegmentationModel> {
  const model = await readModelFile(path);
  const segmentation = await SegmentationModel.load(ort as Runtime, model, undefined, {
    trainingGraph: trainingGraphFrom(trainingGraph),
  });
  loaded.push(segmentation);
  return segmentation;
}

/** The error of loading the three-class model with a changed training graph. */
async function failure(
  change: (proto: ModelProto) => void,
  names: Omit<TrainingGraphOptions, "model"> = {},
): Promise<{ code: string; message: string }> {
  const model = await readTrainingFixture(unet3Training, change);
  return await load({ model, ...names }).then(
    () => ({ code: "none", message: "" }),
    (error: { code: string; message: string }) => error,
  );
}

const nodes = (proto: ModelProto) => proto.graph?.node as NodeProto[];
const find = (proto: ModelProto, opType: string) =>
  nodes(proto).find((n) => n.opType === opType) as NodeProto;

/** Puts a node between a value and everything that makes it. */
function after(proto: ModelProto, name: string, opType: string, ...others: string[]): void {
  for (const node of nodes(proto)) {
    node.output = node.output.map((output) => (output === name ? `${name}_before` : output));
  }
  nodes(proto).push(
    create(NodeProtoSchema, {
      name: `${opType}_after`,
      opType,
      input: [`${name}_before`, ...others],
      output: [name],
    }),
  );
}

const constant = (name: string, value: number) => makeTensor(name, "float32", [], [value]);

describe("a wrong gradient is refused with the figures", () => {
  it("with the sign turned", async () => {
    const { code, message } = await failure((proto) => after(proto, "image_grad", "Neg"));
    expect(code).toBe("ERR_TRAINING_GRADIENT");
    expect(message).toMatch(/-?\d.* for -?\d.*relative error (1\.|2)/);
    expect(message).toContain("its sign is turned");
  });

  it.each([2, 0.5, 1.1])("times %d", async (factor) => {
    const { code, message } = await failure((proto) => {
      proto.graph?.initializer.push(constant("factor", factor));
      after(proto, "image_grad", "Mul", "factor");
    });
    expect(code).toBe("ERR_TRAINING_GRADIENT");
    const told = /It is (\S+) times the right one/.exec(message)?.[1];
    expect(Number(told) / factor).toBeCloseTo(1, 1);
  });

  it("without a branch", async () => {
    const { code, message } = await failure((proto) => {
      const sum = find(proto, "Sum");
      sum.input = sum.input.slice(0, 1);
    });
    expect(code).toBe("ERR_TRAINING_GRADIENT");
    expect(message).toContain("a part may be missing");
  });

  it("of other weights", async () => {
    const { code } = await failure((proto) => {
      const [first, second] = nodes(proto).filter(
        ({ opType, input }) => opType === "ConvGrad" && input[2]?.includes("weight"),
      ) as [NodeProto, NodeProto];
      const tensor = proto.graph?.initializer.find(({ name }) => name === second.input[2]);
      proto.graph?.initializer.push(
        makeTensor(
          "others",
          "float32",
          tensor?.dims.map(Number) ?? [],
          Array.from({ length: Number(tensor?.dims.reduce((a, d) => a * d, 1n)) }, (_, i) =>
            Math.sin(i),
          ),
        ),
      );
      second.input[2] = "others";
      expect(first).toBeDefined();
    });
    expect(code).toBe("ERR_TRAINING_GRADIENT");
  });

  it("that is no number", async () => {
    const { code } = await failure((proto) => {
      proto.graph?.initializer.push(constant("factor", Number.NaN));
      after(proto, "image_grad", "Mul", "factor");
    });
    expect(code).toBe("ERR_TRAINING_GRADIENT");
  });
});

describe("a graph that does not belong to the model is refused", () => {
  it("with another forward part", async () => {
    const { code, message } = await failure((proto) => {
      proto.graph?.initializer.push(constant("factor", 1.01));
      after(proto, "logits", "Mul", "factor");
    });
    expect(code).toBe("ERR_TRAINING_FORWARD");
    expect(message).toContain("built from another model");
  });

  it("of another size", async () => {
    const model = await readTrainingFixture(unet3Training);
    await expect(load({ model }, golden("unet-dynamo.onnx"))).rejects.toMatchObject({
      code: "ERR_TRAINING_GRAPH",
      message: expect.stringContaining(
        "no input (or more than one) that takes the image 'image' [1, 3, 92, 92]",
      ) as string,
    });
  });

  it("when it is no training graph at all", async () => {
    const model = await readModelFile(unet3Training.model);
    await expect(load({ model })).rejects.toMatchObject({
      code: "ERR_TRAINING_GRAPH",
      message: expect.stringContaining("`upstreamInput`") as string,
    });
  });

  it("when it is cut off", async () => {
    const whole = await import("node:fs").then(({ readFileSync }) =>
      readFileSync(unet3Training.trainingGraph),
    );
    await expect(readModel(whole.subarray(0, whole.length / 2))).rejects.toMatchObject({
      code: "ERR_MODEL_UNREADABLE",
    });
  });
});

describe("its parts", () => {
  const hideLoss = (proto: ModelProto) => {
    proto.graph!.initializer = proto.graph!.initializer.filter(
      ({ name }) => name !== "logits_grad",
    );
    nodes(proto).forEach((node) => {
      node.input = node.input.map((name) => (name === "logits_grad" ? "dlogits" : name));
    });
    nodes(proto).push(
      create(NodeProtoSchema, {
        name: "loss_grad",
        opType: "SoftmaxCrossEntropyLossGrad",
        domain: "com.microsoft",
        input: ["one", "logits", "labels"],
        output: ["dlogits"],
      }),
    );
    proto.graph!.initializer.push(constant("one", 1));
  };

  it("have names that can be given", async () => {
    const lost = await failure(hideLoss);
    expect(lost.code).toBe("ERR_TRAINING_GRAPH");
    expect(lost.message).toContain("SoftmaxCrossEntropyLossGrad");
    expect(lost.message).toContain("`upstreamInput`");
    const found = await failure(hideLoss, { upstreamInput: "dlogits" });
    expect(found).toEqual({ code: "none", message: "" });
  });

  it("are refused under names that do not exist, or are something else", async () => {
    expect((await failure(() => {}, { upstreamInput: "nothing" })).message).toContain(
      "no value 'nothing'",
    );
    expect((await failure(() => {}, { gradientOutput: "nothing" })).message).toContain(
      "Correct `gradientOutput`",
    );
    const other = await failure(() => {}, { gradientOutput: "logits" });
    expect(other.code).toBe("ERR_TRAINING_GRAPH");
    expect(other.message).toContain("does not bear on it");
  });

  it("may not need more than the image", async () => {
    const { code, message } = await failure(hideLoss, { upstreamInput: "one" });
    expect(["ERR_TRAINING_OPERATOR", "ERR_TRAINING_GRAPH"]).toContain(code);
    expect(message).not.toBe("");
  });
});

it("names all operators that cannot be lowered, at once", async () => {
  const { code, message } = await failure((proto) => {
    find(proto, "ReluGrad").opType = "StrangeGrad";
    find(proto, "ConvTransposeGrad").opType = "OddGrad";
  });
  expect(code).toBe("ERR_TRAINING_OPERATOR");
  expect(message).toContain("com.microsoft.StrangeGrad");
  expect(message).toContain("com.microsoft.OddGrad");
});

it("refuses attributes that a rule refuses, and forward nodes that are missing", async () => {
  const negative = await failure((proto) => {
    const node = find(proto, "ReluGrad");
    node.opType = "LeakyReluGrad";
    node.attribute = [create(AttributeProtoSchema, { name: "alpha", type: 1, f: -1 })];
  });
  expect(negative).toMatchObject({ code: "ERR_TRAINING_OPERATOR" });
  expect(negative.message).toContain("alpha is negative");
  const alone = await failure((proto) => {
    find(proto, "MaxPoolGrad").input[1] = "logits";
  });
  expect(alone.message).toContain("the MaxPool it belongs to is not found");
});

it("does not hang or crash on cycles, missing values and inputs left out", async () => {
  const changes: ((proto: ModelProto) => void)[] = [
    (proto) => (find(proto, "ReluGrad").input[0] = find(proto, "ReluGrad").output[0] as string),
    (proto) => (find(proto, "ReluGrad").input[1] = "nowhere"),
    (proto) => (find(proto, "ConvGrad").input = []),
    (proto) => (find(proto, "ConvGrad").input = ["logits_grad", "", ""]),
    (proto) => (find(proto, "SliceGrad").input = find(proto, "SliceGrad").input.slice(0, 2)),
    (proto) => (find(proto, "ReluGrad").output = ["__proto__"]),
    (proto) => nodes(proto).forEach((node) => (node.name = "same")),
    (proto) => (find(proto, "MaxPoolGrad").output = []),
  ];
  for (const change of changes) {
    const { code } = await failure(change);
    expect(code).toMatch(/^(ERR_[A-Z_]+|none)$/);
  }
});

it("shows in the description what was checked", async () => {
  const model: Model = await readTrainingFixture(unet3Training);
  const { description } = await load({ model });
  const decision = description.decisions.find(({ what }) => what === "training graph");
  expect(decision?.is).toContain(
    "ConvGrad, ConvTransposeGrad, MaxPoolGrad, ReluGrad, SliceGrad lowered",
  );
  expect(decision?.because).toMatch(/scores differ by \S+, gradient by \d\.\de-[2-9]/);
});
