import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type ModelProto } from "onnx-buf";
import { checkGradient, readModel, resolve } from "@onnx-asma/autodiff";
import { hideClass, loadModel, type ResultRecord } from "@onnx-asma/node";
import { readFileSync } from "node:fs";
import { expectFailure, runCli, runJson, temporaryFolder } from "../support/run-cli.ts";
import { tinyModel, type TinyModel } from "../support/tiny-model.ts";

const fixture = (path: string) => fileURLToPath(new URL(`../cases/${path}`, import.meta.url));
const picture = fixture("opset-below-11/n32.png");

const net: TinyModel = {
  inputs: { image: { dims: [1, 3, 32, 32] } },
  constants: { w: { dims: [2, 3, 1, 1], data: [1, 2, -1, -2, 1, 0.5] } },
  nodes: [["Conv", ["image", "w"], "scores"]],
};

function save(model: TinyModel, change: (proto: ModelProto) => void = () => {}): string {
  const path = join(temporaryFolder(), "model.onnx");
  const proto = fromBinary(ModelProtoSchema, tinyModel(model));
  change(proto);
  writeFileSync(path, toBinary(ModelProtoSchema, proto));
  return path;
}

const attackArguments = (model: string, out: string) => [
  "attack",
  model,
  picture,
  "--rectangle",
  "8,8,24,24",
  "--iterations",
  "5",
  "--no-early-stop",
  "-o",
  join(out, "results"),
];

/** Each command on a model. */
const commands = (model: string, out: string) => [
  ["inspect", model],
  ["differentiate", model, "-o", join(out, "gradient.onnx")],
  attackArguments(model, out),
];

describe.each(["opset-below-11/opset9", "opset-below-11/opset10", "name-collision/collide"])(
  "%s",
  (name) => {
    const model = fixture(`${name}.onnx`);

    it("is attacked, and its gradient written", async () => {
      const out = temporaryFolder();
      for (const args of commands(model, out)) {
        const { code, stderr } = await runCli(args);
        expect(stderr).not.toContain("ERR_");
        expect([0, 3]).toContain(code);
      }
      const session = await ort.InferenceSession.create(join(out, "gradient.onnx"));
      expect(session.outputNames).toHaveLength(2);
      await session.release();
      const record = JSON.parse(
        readFileSync(join(out, "results", "result.json"), "utf8"),
      ) as ResultRecord;
      expect(record.steps).toBeGreaterThan(0);
    });

    it("has the gradient that finite differences have, but for kinks", async () => {
      const resolved = await resolve(await readModel(readFileSync(model)), ort);
      expect((await checkGradient(resolved, ort)).worst).toBeLessThan(0.1);
    });
  },
);

describe("an opset or IR version that is not known", () => {
  it.each<[string, (proto: ModelProto) => void, string]>([
    [
      "opset 40",
      (proto) => void ((proto.opsetImport[0] as { version: bigint }).version = 40n),
      "found opset 40",
    ],
    [
      "opset 6",
      (proto) => void ((proto.opsetImport[0] as { version: bigint }).version = 6n),
      "found opset 6",
    ],
    ["IR version 99", (proto) => void (proto.irVersion = 99n), "found IR version 99"],
  ])("is named by every command: %s", async (_, change, found) => {
    const out = temporaryFolder();
    const messages = new Set<string>();
    for (const args of commands(save(net, change), out)) {
      messages.add(await expectFailure(args, { exit: 4, code: "ERR_OPSET" }));
    }
    expect([...messages]).toEqual([expect.stringContaining(found)]);
    expect([...messages][0]).not.toContain("provider");
  });
});

it("says in inspect what keeps an attack from starting, and no provider that does not help", async () => {
  // Known here, but not to this runtime: only the gradient can be had.
  const newer = save(
    net,
    (proto) => void ((proto.opsetImport[0] as { version: bigint }).version = 27n),
  );
  const { code, stderr } = await runCli(["inspect", newer]);
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("ERR_SESSION") });
  expect(stderr).not.toContain("provider");
  const message = await expectFailure(attackArguments(newer, temporaryFolder()), {
    exit: 1,
    code: "ERR_SESSION",
  });
  expect(stderr).toContain(message);
});

it("names operators that nobody has", async () => {
  const foreign: TinyModel = {
    ...net,
    nodes: [
      ["Foo", ["image"], "h"],
      ["Conv", ["h", "w"], "scores"],
    ],
  };
  const path = save(foreign, (proto) => {
    (proto.graph?.node[0] as { domain: string }).domain = "com.acme";
    proto.opsetImport.push({
      ...(proto.opsetImport[0] as object),
      domain: "com.acme",
      version: 1n,
    } as never);
  });
  for (const args of commands(path, temporaryFolder())) {
    expect(await expectFailure(args, { exit: 4, code: "ERR_MODEL_REFUSED" })).toContain(
      "com.acme:Foo",
    );
  }
});

describe("differentiate", () => {
  it.each([
    ["int64 labels", [["ArgMax", ["scores"], "labels", { axis: 1 }]]],
    [
      "labels as floats",
      [
        ["ArgMax", ["scores"], "at", { axis: 1 }],
        ["Cast", ["at"], "labels", { to: 1 }],
      ],
    ],
  ] as [string, TinyModel["nodes"]][])(
    "goes back from %s to the scores, and says so",
    async (_, more) => {
      const model = save({ ...net, nodes: [...net.nodes, ...more] });
      const out = join(temporaryFolder(), "gradient.onnx");
      const { code, stdout } = await runCli(["differentiate", model, "-o", out]);
      expect(code).toBe(0);
      expect(stdout).toContain("scores   'scores': the output holds labels");
      const { object } = await runJson<{ labels: object; inputs: { name: string }[] }>([
        "differentiate",
        model,
        "-o",
        out,
        "--force",
      ]);
      expect(object.labels).toEqual({ scores: "scores" });
      expect(object.inputs.map(({ name }) => name)).toEqual(["image", "scores_grad"]);
    },
  );

  it("keeps to the output where it holds no labels of pixels", async () => {
    const nodes: TinyModel["nodes"] = [["Round", ["image"], "y"]];
    const model = save({ ...net, nodes, constants: {} });
    const args = ["differentiate", model, "-o", join(temporaryFolder(), "gradient.onnx")];
    await expectFailure(args, { exit: 4, code: "ERR_NO_GRADIENT" });
  });
});

describe("inputs beside the image", () => {
  const others: TinyModel = {
    ...net,
    inputs: {
      ...net.inputs,
      gain: { dims: [2, 1, 1] },
      flag: { dtype: "bool", dims: [] },
      ids: { dtype: "int64", dims: [3] },
    },
    nodes: [
      ["Conv", ["image", "w"], "c"],
      ["Mul", ["c", "gain"], "scores"],
      ["Not", ["flag"], "aside"],
    ],
    outputs: ["scores"],
  };

  it("need no value where no output needs them", async () => {
    const out = temporaryFolder();
    const model = save({ ...others, nodes: net.nodes });
    for (const args of commands(model, out)) {
      const { code, stderr } = await runCli(args);
      expect(stderr).not.toContain("ERR_");
      expect([0, 3]).toContain(code);
    }
  });

  it("take a number or a tensor", async () => {
    const path = save(others);
    const plain = save({
      ...net,
      constants: { w: { dims: [2, 3, 1, 1], data: [-1, -2, 1, -4, 2, 1] } },
    });
    const expected = await loadModel(plain);
    const image = await expected.readImage(picture);
    const choice = { iterations: 4, earlyStop: false } as const;
    const labels = await expected.predict(image);
    const target = hideClass(labels, labels.data[0] as number);
    const wanted = await (await expected.attack(image, target, choice)).result;
    const model = await loadModel(path, { feeds: { gain: { dims: [2, 1, 1], data: [-1, 2] } } });
    expect((await model.predict(image)).data).toEqual(labels.data);
    const found = await (await model.attack(image, target, choice)).result;
    expect(found.best.image.data).toEqual(wanted.best.image.data);
    expect((await model.describe()).decisions).toContainEqual(
      expect.objectContaining({
        what: "input 'gain'",
        is: "constant [2, 1, 1]",
        options: ["feeds"],
      }),
    );
    expect(await model.gradientProblem()).toBeUndefined();
    await model.release();
    const halved = await loadModel(path, { feeds: { gain: 1 } });
    const own = await loadModel(save(net));
    expect((await halved.predict(image)).data).toEqual((await own.predict(image)).data);
    await Promise.all([halved.release(), own.release(), expected.release()]);
  });

  it.each([
    [{ gain: { dims: [3, 1, 1], data: [1, 2, 3] } }, "ERR_INPUT_DIMS"],
    [{ gain: { dims: [2, 1, 1], data: [1] } }, "ERR_TENSOR"],
    [{ gain: { dims: [2, 1, 1], data: [1, 2], dtype: "int64" as const } }, "ERR_FEED"],
    [{ gain: 1, gian: 1 }, "ERR_FEED"],
    [{ gain: 1, ids: 0.5 }, "ERR_FEED"],
    [{ ids: 1 }, "ERR_IMAGE_INPUT"],
    [{ ids: 1, gian: 1 }, "ERR_FEED"],
  ])("refuse %j", async (feeds, code) => {
    const refused = loadModel(save(others), { feeds }).then(async (model) => {
      try {
        return await model.describe();
      } finally {
        await model.release();
      }
    });
    await expect(refused).rejects.toMatchObject({ code });
  });
});
