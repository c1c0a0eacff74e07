import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import type { ResultRecord } from "@onnx-asma/node";
import {
  unet,
  unet3,
  unetDynamo,
  writeImage,
  writeMask,
  writePng,
} from "../support/golden-scene.ts";
import { claimingPng } from "../support/png.ts";
import {
  expectFailure,
  filesOf,
  namesIn,
  runCli,
  runJson,
  temporaryFolder,
} from "../support/run-cli.ts";
import { tinyModel, type TinyModel } from "../support/tiny-model.ts";

/** An attack with files that the test makes; it has to fail and to leave nothing behind. */
async function expectAttackFailure(
  folder: string,
  {
    model = unet,
    image,
    flags = ["--hide", "1"],
    exit = 1,
    code,
  }: {
    readonly model?: string;
    readonly image?: string;
    readonly flags?: readonly string[];
    readonly exit?: number;
    readonly code: string;
  },
): Promise<string> {
  const picture = image ?? writeImage(folder);
  const before = namesIn(folder);
  const args = ["attack", model, picture, "-o", join(folder, "a", "b"), ...flags];
  const message = await expectFailure(args, { exit, code });
  expect(namesIn(folder)).toEqual(before);
  return message;
}

const ones = (n: number) => Array.from({ length: n }, () => 1);

/** 3 → 2 channels, then whatever the test adds; 8×8 pixels. */
function pointwise(nodes: TinyModel["nodes"], constants: TinyModel["constants"] = {}): TinyModel {
  return {
    inputs: { image: { dims: [1, 3, 8, 8] } },
    constants: {
      w: { dims: [2, 3, 1, 1], data: [1, 1, 1, -1, -1, -1] },
      ...constants,
    },
    nodes: [["Conv", ["image", "w"], "conv"], ...nodes],
  };
}

function writeTiny(folder: string, model: TinyModel): { model: string; image: string } {
  const path = join(folder, "tiny.onnx");
  writeFileSync(path, tinyModel(model));
  const pixels = Uint8Array.from({ length: 192 }, (_, i) => 40 + i);
  return { model: path, image: writePng(folder, "image.png", 8, 3, pixels) };
}

describe("a model file", () => {
  it.each([
    ["text", "no ONNX model, just text\n", /it is a text: name the \.onnx file/],
    ["empty", "", /it is empty: export or download it again/],
  ])("that is %s is refused", async (_, contents, reason) => {
    const folder = temporaryFolder();
    const model = join(folder, "model.onnx");
    writeFileSync(model, contents);
    const message = await expectAttackFailure(folder, { model, code: "ERR_MODEL_UNREADABLE" });
    expect(message).toContain("Expected an ONNX model in 'model.onnx' but");
    expect(message).toMatch(reason);
  });

  it("that is cut off is refused", async () => {
    const folder = temporaryFolder();
    const model = join(folder, "model.onnx");
    copyFileSync(unet, model);
    truncateSync(model, 30_000);
    const message = await expectAttackFailure(folder, { model, code: "ERR_MODEL_UNREADABLE" });
    expect(message).toMatch(/without its end: at least \d+ bytes are missing after 30000/);
  });

  it("that is absent is named", async () => {
    const folder = temporaryFolder();
    const model = join(folder, "absent.onnx");
    const message = await expectAttackFailure(folder, { model, code: "ERR_FILE_NOT_FOUND" });
    expect(message).toContain(model);
  });
});

describe("external data", () => {
  const code = "ERR_EXTERNAL_DATA";

  function copyModel(folder: string, relocate?: string): string {
    const model = join(folder, "model.onnx");
    const proto = fromBinary(ModelProtoSchema, readFileSync(unetDynamo));
    for (const tensor of proto.graph?.initializer ?? []) {
      for (const entry of tensor.externalData) {
        if (entry.key === "location" && relocate !== undefined) {
          entry.value = relocate;
        }
      }
    }
    writeFileSync(model, toBinary(ModelProtoSchema, proto));
    return model;
  }

  it("that are missing are named", async () => {
    const folder = temporaryFolder();
    const message = await expectAttackFailure(folder, { model: copyModel(folder), code });
    expect(message).toContain("'unet-dynamo.onnx.data', which cannot be read");
    expect(message).toContain("copy it beside the model");
  });

  it("that are short are named", async () => {
    const folder = temporaryFolder();
    const model = copyModel(folder);
    copyFileSync(`${unetDynamo}.data`, join(folder, "unet-dynamo.onnx.data"));
    truncateSync(join(folder, "unet-dynamo.onnx.data"), 5000);
    const message = await expectAttackFailure(folder, { model, code });
    expect(message).toMatch(/too short: expected \d+ bytes at offset \d+ but the file has 5000/);
  });

  it.each(["../weights.data", "/etc/hostname", "sub/../../weights.data", "C:\\weights.data"])(
    "outside the folder at %s are refused",
    async (location) => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, "m"));
      copyFileSync(`${unetDynamo}.data`, join(folder, "weights.data"));
      const model = copyModel(join(folder, "m"), location);
      const message = await expectAttackFailure(folder, { model, code });
      expect(message).toContain(`'${location}', which lies outside the model's folder`);
    },
  );

  it("behind a link that leads outside are refused", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "m"));
    copyFileSync(`${unetDynamo}.data`, join(folder, "weights.data"));
    symlinkSync(join(folder, "weights.data"), join(folder, "m", "unet-dynamo.onnx.data"));
    const message = await expectAttackFailure(folder, {
      model: copyModel(join(folder, "m")),
      code,
    });
    expect(message).toContain("link that leads outside the model's folder");
  });
});

describe("a model that is no segmentation model", () => {
  it("because its input holds no numbers is refused", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(folder, {
      inputs: { image: { dtype: "bool", dims: [1, 3, 8, 8] } },
      constants: { w: { dims: [2, 3, 1, 1], data: ones(6) } },
      nodes: [
        ["Cast", ["image"], "x", { to: 1 }],
        ["Conv", ["x", "w"], "y"],
      ],
    });
    const message = await expectAttackFailure(folder, {
      ...files,
      exit: 4,
      code: "ERR_IMAGE_INPUT",
    });
    expect(message).toContain("float or integer input of four axes");
    expect(message).toContain("'image' bool[1, 3, 8, 8]");
  });

  it("because its input is no image is refused", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(folder, {
      inputs: { features: { dims: [1, 10] } },
      nodes: [["Relu", ["features"], "y"]],
    });
    const message = await expectAttackFailure(folder, {
      ...files,
      exit: 4,
      code: "ERR_IMAGE_INPUT",
    });
    expect(message).toContain("'features' float32[1, 10]");
  });

  it("because it classifies whole images is refused", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(
      folder,
      pointwise([
        ["GlobalAveragePool", ["conv"], "pooled"],
        ["Flatten", ["pooled"], "classes"],
      ]),
    );
    const message = await expectAttackFailure(folder, { ...files, exit: 4, code: "ERR_OUTPUT" });
    expect(message).toContain("'classes' float32[1, 2]");
    expect(message).toContain("classifier");
  });
});

describe("operators without a gradient", () => {
  it("are all listed, with the nearest output", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(
      folder,
      pointwise(
        [
          ["Relu", ["conv"], "features"],
          ["MaxRoiPool", ["features", "rois"], "pooled", { pooled_shape: [8, 8] }],
          ["Neg", ["pooled"], "turned"],
          ["MaxRoiPool", ["turned", "rois"], "again", { pooled_shape: [8, 8] }],
          ["Dropout", ["again", "half", "training"], "logits"],
        ],
        {
          rois: { dims: [1, 5], data: [0, 0, 0, 7, 7] },
          half: { dims: [], data: [0.5] },
          training: { dtype: "bool", dims: [], data: [1] },
        },
      ),
    );
    const message = await expectAttackFailure(folder, {
      ...files,
      exit: 4,
      code: "ERR_UNSUPPORTED_OPERATOR",
    });
    expect(message).toContain(
      "MaxRoiPool (opset 17), 2 node(s) 'maxroipool_2', 'maxroipool_4': maxima over",
    );
    expect(message).toContain("Dropout (opset 17), 1 node(s) 'dropout_5'");
    expect(message).toContain("nearest output that can be differentiated is 'features'");
    const differentiate = ["differentiate", files.model, "-o", join(folder, "out.onnx")];
    const expected = { exit: 4, code: "ERR_UNSUPPORTED_OPERATOR" };
    expect(await expectFailure(differentiate, expected)).toBe(message);
    expect(existsSync(join(folder, "out.onnx"))).toBe(false);
    const { code, stderr, object } = await runJson<Record<string, unknown>>([
      "inspect",
      files.model,
    ]);
    expect(code).toBe(4);
    expect(stderr).toContain("ERR_UNSUPPORTED_OPERATOR");
    expect(object).toMatchObject({ isDifferentiable: false, problem: { message } });
  });

  it("that the runtime does not know either are named", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(folder, pointwise([["Segmentify", ["conv"], "logits"]]));
    const message = await expectAttackFailure(folder, {
      ...files,
      exit: 4,
      code: "ERR_MODEL_REFUSED",
    });
    expect(message).toContain("ONNX Runtime cannot load the model");
    expect(message).toContain("Segmentify");
  });
});

describe("an image", () => {
  it.each([
    ["with alpha", "ERR_IMAGE_ALPHA", 4],
    ["in grey", "ERR_IMAGE_CHANNELS", 1],
  ])("%s is refused", async (_, code, channels) => {
    const folder = temporaryFolder();
    const data = Uint8Array.from({ length: 92 * 92 * channels }, (__, i) => (i * 7) % 251);
    const image = writePng(folder, "image.png", 92, channels, data);
    expect(await expectAttackFailure(folder, { image, code })).toContain(image);
  });

  it("in CMYK is refused", async () => {
    const folder = temporaryFolder();
    const image = join(folder, "image.jpg");
    const marker = (type: number, body: readonly number[]) => [
      0xff,
      type,
      0,
      body.length + 2,
      ...body,
    ];
    const component = [1, 2, 3, 4].flatMap((id) => [id, 0x11, 0]);
    const scan = [4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0];
    const frame = [8, 0, 92, 0, 92, 4, ...component];
    writeFileSync(
      image,
      Uint8Array.from([0xff, 0xd8, ...marker(0xc0, frame), ...marker(0xda, scan), 0, 0xff, 0xd9]),
    );
    const message = await expectAttackFailure(folder, { image, code: "ERR_IMAGE_COLOUR_SPACE" });
    expect(message).toContain("CMYK");
  });

  it("of zero bytes is refused", async () => {
    const folder = temporaryFolder();
    const image = join(folder, "image.png");
    writeFileSync(image, "");
    const message = await expectAttackFailure(folder, { image, code: "ERR_IMAGE_UNREADABLE" });
    expect(message).toContain(`'${image}'`);
  });

  it("that claims 30,000×30,000 pixels is refused before it is decoded", async () => {
    const folder = temporaryFolder();
    const image = join(folder, "image.png");
    writeFileSync(image, claimingPng(30_000, 30_000));
    const message = await expectAttackFailure(folder, { image, code: "ERR_IMAGE_TOO_LARGE" });
    expect(message).toContain("claims 30000x30000 (900 megapixels)");
  });

  it("that is too small for the network is refused", async () => {
    const folder = temporaryFolder();
    const image = writePng(folder, "image.png", 16, 3, new Uint8Array(16 * 16 * 3));
    const message = await expectAttackFailure(folder, {
      image,
      exit: 4,
      code: "ERR_MODEL_REFUSED",
    });
    expect(message).toContain("ONNX Runtime cannot load the model");
  });
});

describe("a target", () => {
  it("of another size is refused", async () => {
    const folder = temporaryFolder();
    const mask = writeMask(folder, new Uint8Array(50 * 50));
    const flags = ["--target", mask];
    const message = await expectAttackFailure(folder, { flags, code: "ERR_TARGET_SIZE" });
    expect(message).toContain(
      `52×52 pixels (the model's output grid) or 92×92 (the image) but '${mask}' has 50×50`,
    );
    const other = writePng(folder, "other.png", 96, 3, new Uint8Array(96 * 96 * 3));
    const image = await expectAttackFailure(folder, {
      flags: ["--target-image", other],
      code: "ERR_TARGET_SIZE",
    });
    expect(image).toContain(`92×92 pixels, like the image, but '${other}' has 96×96`);
  });

  it("with a class that the model lacks is refused", async () => {
    const folder = temporaryFolder();
    const image = writeImage(folder, "three");
    const mask = writeMask(
      folder,
      Uint8Array.from({ length: 36 * 36 }, (_, i) => i % 4),
    );
    const both = { model: unet3, image, code: "ERR_TARGET_CLASS" };
    const message = await expectAttackFailure(folder, { ...both, flags: ["--target", mask] });
    expect(message).toContain(`classes 0 to 2 (the model has 3) but '${mask}' asks for class 3`);
    const hidden = await expectAttackFailure(folder, { ...both, flags: ["--hide", "3"] });
    expect(hidden).toContain("'class 1' (1), 'class 2' (2), but --hide asks for 3");
  });

  it("that nothing counts in, or that lies outside the output grid, is refused", async () => {
    const folder = temporaryFolder();
    const code = "ERR_TARGET_EMPTY";
    const mask = writeMask(folder, new Uint8Array(52 * 52), () => 255);
    const flags = ["--target", mask, "--ignore-label", "255"];
    const exit = 5;
    expect(await expectAttackFailure(folder, { flags, code, exit })).toContain("ignored");
    const message = await expectAttackFailure(folder, { flags: ["--disc", "5,5,4"], code, exit });
    expect(message).toContain("rows 20 to 72, columns 20 to 72 of the image (92×92)");
  });

  it("with a region of another size is refused", async () => {
    const folder = temporaryFolder();
    const region = writeMask(folder, ones(46 * 46));
    const flags = ["--hide", "1", "--region", region];
    const message = await expectAttackFailure(folder, { flags, code: "ERR_REGION" });
    expect(message).toContain(`92×92 pixels, the image's size, but '${region}' has 46×46`);
  });
});

describe("a gradient", () => {
  const disc = ["--disc", "4,4,2"];

  it("that is not a number is refused", async () => {
    const folder = temporaryFolder();
    // √(x − x): ∞ − ∞.
    const files = writeTiny(
      folder,
      pointwise([
        ["Sub", ["conv", "conv"], "none"],
        ["Sqrt", ["none"], "logits"],
      ]),
    );
    const message = await expectAttackFailure(folder, {
      ...files,
      flags: disc,
      code: "ERR_GRADIENT_NAN",
    });
    expect(message).toContain("'logits'");
    expect(message).toContain("--range, --mean, --std");
  });

  it("that is zero behind a saturated head is refused", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(
      folder,
      pointwise(
        [
          ["Sub", ["conv", "ten"], "low"],
          ["Relu", ["low"], "share"],
        ],
        { ten: { dims: [], data: [10] } },
      ),
    );
    const message = await expectAttackFailure(folder, {
      ...files,
      flags: disc,
      code: "ERR_GRADIENT_ZERO",
    });
    expect(message).toMatch(/zero everywhere although \d+ of 64 pixels/);
    expect(message).toContain("saturated");
    expect(message).toContain("--output");
  });

  it("that is zero where the image may change is refused", async () => {
    const folder = temporaryFolder();
    const files = writeTiny(folder, pointwise([["Relu", ["conv"], "logits"]]));
    const target = writeMask(
      folder,
      Uint8Array.from({ length: 64 }, (_, i) => (i < 8 ? 1 : 255)),
    );
    const region = writeMask(
      folder,
      new Uint8Array(64),
      (_, i) => (i > 40 ? 255 : 0),
      "region.png",
    );
    const flags = ["--target", target, "--ignore-label", "255", "--region", region];
    const message = await expectAttackFailure(folder, {
      ...files,
      flags,
      code: "ERR_GRADIENT_ZERO",
    });
    expect(message).toContain("region that may change");
  });
});

describe("a run that fails after its first steps", () => {
  /** Reads past the end of a table as soon as the image's mean is above 0.55. */
  const failing: TinyModel = {
    inputs: { image: { dims: [1, 3, 8, 8] } },
    constants: {
      w: { dims: [2, 3, 1, 1], data: [1, 1, 1, -1, -1, -1] },
      bias: { dims: [2], data: [-1.5, 1.5] },
      factor: { dims: [], data: [1 / 0.55] },
      table: { dims: [1], data: [0] },
    },
    nodes: [
      ["Conv", ["image", "w", "bias"], "conv"],
      ["ReduceMean", ["image"], "mean", { keepdims: 0 }],
      ["Mul", ["mean", "factor"], "scaled"],
      ["Floor", ["scaled"], "whole"],
      ["Cast", ["whole"], "index", { to: 7 }],
      ["Gather", ["table", "index"], "nothing"],
      ["Add", ["conv", "nothing"], "logits"],
    ],
  };

  it("writes what it came to, says why it ended, and exits 1", async () => {
    const folder = temporaryFolder();
    const { model, image } = writeTiny(folder, failing);
    const out = join(folder, "out");
    const steps = ["--beta", "0.02", "--tau", "0.01"];
    const args = ["attack", model, image, "--hide", "1", "-o", out, ...steps];
    const { code, stderr, object } = await runJson<ResultRecord>(args);
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/^ERR_RUNTIME .*the step graph.*out of data bounds/m);
    expect(object).toMatchObject({
      reached: false,
      stopReason: "failed",
      failure: { code: "ERR_RUNTIME" },
    });
    expect(object.steps).toBeGreaterThan(0);
    expect(object.saved.l2).toBeGreaterThan(0);
    expect(namesIn(out)).toEqual(filesOf(object));
    const rows = readFileSync(join(out, "trajectory.csv"), "utf8").trimEnd().split("\n");
    expect(rows).toHaveLength(object.steps + 2);
    const { stdout } = await runCli([...args, "--force"]);
    expect(stdout).toMatch(/^Not reached in \d+ steps?: .*\. The run failed\.$/m);
  });
});

describe("the folder for results", () => {
  it.each(["a file", "below a file", "in a file system that takes none"])(
    "that is %s is refused",
    async (kind) => {
      const folder = temporaryFolder();
      const file = join(folder, "file");
      writeFileSync(file, "mine");
      const out = { "a file": file, "below a file": join(file, "out") }[kind] ?? "/proc/onnx-asma";
      const args = ["attack", unet, join(folder, "absent.png"), "--hide", "1", "-o", out];
      const message = await expectFailure(args, { exit: 1, code: "ERR_FOLDER_NOT_WRITABLE" });
      expect(message).toContain(`'${out}'`);
      expect(message).toContain("-o");
      expect(readFileSync(file, "utf8")).toBe("mine");
    },
  );

  it("keeps its other files when the attack fails", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "notes.txt"), "mine");
    const args = ["attack", unet, join(folder, "absent.png"), "--hide", "1", "-o", folder];
    expect((await runCli(args)).code).toBe(1);
    expect(namesIn(folder)).toEqual(["notes.txt"]);
    expect(existsSync(dirname(folder))).toBe(true);
  });
});
