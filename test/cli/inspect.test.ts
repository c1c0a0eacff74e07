import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { golden, unet, unet3, writeImage } from "../support/golden-scene.ts";
import { writeNpyFile } from "../support/npy.ts";
import { decodePng } from "../support/png.ts";
import { runMain } from "../support/run-main.ts";
import { expectFailure, runCli, runJson, saveModel, temporaryFolder } from "../support/run-cli.ts";
import {
  channelsLastModel,
  colouredModel,
  headModel,
  multiLabelModel,
  queryModel,
  volumeModel,
  withDynamicDims,
} from "../support/segmentation-models.ts";

interface Inspection {
  readonly opset: number;
  readonly operators: readonly string[];
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly head: { readonly classes: number; readonly size: readonly number[] };
  readonly grid: { readonly kind: string };
  readonly classNames: readonly string[];
  readonly decisions: readonly {
    readonly what: string;
    readonly is: string;
    readonly because: string;
    readonly options: readonly string[];
    readonly wayOut?: string;
    readonly isUnsure?: boolean;
  }[];
  readonly isDifferentiable: boolean;
}

const expectRefusal = (model: string, flags: readonly string[], exit: number, code: string) =>
  expectFailure(["inspect", model, ...flags], { exit, code });

describe("inspect", () => {
  it("says what a model was taken to mean", async () => {
    const { code, stdout, stderr } = await runCli(["inspect", unet3]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("opset 17");
    expect(stdout).toMatch(/image input +'image' float32\[1, 3, 76, 76\]/);
    expect(stdout).toMatch(/scores +'logits', 3 classes/);
    expect(stdout).toMatch(/output grid +36×36, the centre of the input/);
    expect(stdout).toMatch(/gradient +every operator on the way has a rule/);
  });

  it("gives the same as one object", async () => {
    const args = ["inspect", golden("unet-dynamo.onnx"), "--classes", "cup, disc"];
    const { code, stderr, object } = await runJson<Inspection>(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(object).toMatchObject({
      opset: 20,
      input: { name: "image", dims: [1, 3, 92, 92] },
      head: { classes: 2, size: [52, 52] },
      grid: { kind: "crop" },
      classNames: ["cup", "disc"],
      isDifferentiable: true,
    });
    expect(object.operators).toContain("ConvTranspose");
    expect(object.decisions.every(({ options }) => options.length > 0)).toBe(true);
  });

  it("takes dims for dynamic axes, and asks for them", async () => {
    const { object } = await runJson<Inspection>(["inspect", unet, "--shape", "image=1,3,108,92"]);
    expect(object.head.size).toEqual([68, 52]);
    const message = await expectRefusal(unet, [], 1, "ERR_INPUT_DIMS");
    expect(message).toContain("'image' has dims [?, 3, ?, ?]");
    expect(message).toContain("--shape image=1,3,512,512");
  });

  it("says when a flag has no effect", async () => {
    const message = await expectRefusal(unet3, ["--padding-mode", "edge"], 2, "ERR_USAGE");
    expect(message).toContain("--padding-mode has no effect without --padding");
  });

  it("names what is wrong with overrides", async () => {
    const classes = await expectRefusal(unet3, ["--classes", "a,b"], 1, "ERR_CLASSES");
    expect(classes).toContain("Expected 3 class names");
    const output = await expectRefusal(unet3, ["--output", "scores"], 4, "ERR_OUTPUT");
    expect(output).toContain("no output 'scores'. Its outputs are 'logits'");
  });
});

describe("inspect says what it decided, why, and what overrules it", () => {
  it.each<[string, Uint8Array, string[], RegExp[]]>([
    [
      "channels last",
      channelsLastModel(16, 16),
      [],
      [
        /layout +NHWC +\(the transpose '.*' brings the channels forward; --layout\)/,
        /resize +none +\(the image fits; --resize\)/,
        /channel order +rgb +\(the default; --channel-order\)/,
        /output grid +16×16, the input's own +\(from the sizes of input and output; --grid\)/,
      ],
    ],
    [
      "a volume",
      volumeModel([4, 8, 8]),
      [],
      [/layout +NCDHW +\(the convolution '.*' reads it; --layout\)/, /output grid +4×8×8/],
    ],
    [
      "independent channels",
      multiLabelModel(16, 16),
      ["--classes", "disc,cup,vessel"],
      [
        /class +0 disc of 3 independent ones.*\(unsure: each has a sigmoid of its own; the first, as none was chosen; --class, --output-kind logits\)/,
        /classes +0 not disc, 1 disc/,
      ],
    ],
    [
      "one of independent channels",
      multiLabelModel(16, 16),
      ["--class", "2"],
      [/class +2 of 3 .*; as told; --class/, /channel 2 of 3, class 1 above 0/],
    ],
    [
      "queries",
      queryModel(16, 16),
      ["--grid", "image"],
      [
        /scores +masks 'masks_queries_logits' of 5 queries, weighted with their classes 'class_queries_logits' \(3 classes, void is 3\) +\(from the dims and names of the outputs; --output-kind, --query-classes, --void-class\)/,
        /output grid +16×16, the image's own.*\(as told; --grid\)/,
      ],
    ],
    [
      "a map of colours",
      colouredModel(16, 16),
      [],
      [
        /scores +'scores', 3 classes.*\(what stands before ArgMax, Gather at the end; --output-kind\)/,
      ],
    ],
  ])("of %s", async (_, model, flags, patterns) => {
    const { path } = saveModel(model);
    const { code, stdout, stderr } = await runCli(["inspect", path, ...flags]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const pattern of patterns) {
      expect(stdout).toMatch(pattern);
    }
    const { object } = await runJson<Inspection>(["inspect", path, ...flags]);
    const flagOf = (key: string) =>
      key === "dims" ? "--shape" : `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    for (const { what, is, because, options, isUnsure } of object.decisions) {
      expect(stdout).toContain(is);
      const line = stdout
        .split("\n")
        .find((text) => text.trim().startsWith(what) && text.includes(`${is} `));
      expect(line).toContain(`(${isUnsure === true ? "unsure: " : ""}${because}; --`);
      expect({ what, keys: options.length > 0 }).toEqual({ what, keys: true });
      for (const key of options) {
        expect(line).toContain(flagOf(key));
      }
    }
  });

  it("names candidates and flags where it cannot decide", async () => {
    const classifier = headModel(
      [1, 3, 8, 8],
      [0, 0],
      [
        ["GlobalAveragePool", ["scores"], "pooled"],
        ["Flatten", ["pooled"], "out"],
      ],
    );
    const message = await expectRefusal(saveModel(classifier).path, [], 4, "ERR_OUTPUT");
    expect(message).toContain("'out' float32[1, 2]");
    expect(message).toContain("--output");
    const coloured = saveModel(colouredModel(16, 16)).path;
    const grid = await expectRefusal(coloured, ["--grid", "image"], 4, "ERR_OUTPUT");
    expect(grid).toContain("--output scores");
    const chosen = await expectRefusal(coloured, ["--class", "1"], 1, "ERR_CLASS");
    expect(chosen).toContain("leave out --class");
  });
});

describe("the command line", () => {
  it("prints its version and help on stdout", async () => {
    expect(await runCli(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
    const help = await runCli(["attack", "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const flag of [
      "--target <mask>",
      "--hide <class>",
      "--region <mask>",
      "--no-early-stop",
    ]) {
      expect(help.stdout).toContain(flag);
    }
  });

  it("prints help on stderr without a command", async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: onnx-asma");
  });

  it("refuses unknown commands and flags as usage errors", async () => {
    const usage = { exit: 2, code: "ERR_USAGE" };
    expect(await expectFailure(["atack", "m", "i"], usage)).toContain("atack");
    expect(await expectFailure(["inspect"], usage)).toContain(
      "<model> behind inspect but found no <model>: write onnx-asma inspect <model> [image]",
    );
    expect(await expectFailure(["inspect", unet3, "--colour"], usage)).toContain("'--colour'");
    const { code, stdout, stderr } = await runCli(["inspect", unet3, "--layout", "CHWN"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/one of .*NCHW, .*NHWC.* for --layout but found 'CHWN'/);
    expect(stderr).toContain("--help");
  });
});

describe("inspect with an image", () => {
  it("takes its size, says what is drawn on it, and draws that", async () => {
    const folder = temporaryFolder();
    const [image, out] = [writeImage(folder), join(folder, "seen.png")];
    const { code, stdout } = await runCli(["inspect", unet, image, "-o", out]);
    expect(code).toBe(0);
    expect(stdout).toContain("52×52, the centre of the input");
    expect(stdout).toMatch(/the model draws class 0 [\d.]+ %, class 1 [\d.]+ % \(\d+ px\)\.\n$/);
    expect(decodePng(readFileSync(out))).toMatchObject({ width: 92, height: 92, channels: 3 });
    const { object } = await runJson<{ prediction: { pixelsPerClass: number[] } }>([
      "inspect",
      unet,
      image,
    ]);
    expect(object.prediction.pixelsPerClass.reduce((a, b) => a + b)).toBe(52 * 52);
  });

  it.each<[string, Uint8Array, readonly number[]]>([
    ["channels last", channelsLastModel(16, 12), [16, 12, 3]],
    [
      "a fixed batch of three",
      headModel([3, 3, 16, 12], [0, 0.2], [], {}, ["scores"]),
      [3, 16, 12],
    ],
    ["a volume", volumeModel([4, 16, 12]), [1, 4, 16, 12]],
    [
      "dynamic sizes",
      withDynamicDims(headModel([1, 3, 8, 8], [0, 0.2], [], {}, ["scores"]), [2, 3]),
      [3, 16, 12],
    ],
  ])("draws it for %s", async (_, model, dims) => {
    const { folder, path } = saveModel(model);
    const count = dims.reduce((a, b) => a * b);
    const values = Float32Array.from({ length: count }, (__, i) => ((i * 37) % 101) / 101);
    const image = writeNpyFile(folder, "image.npy", values, dims);
    const out = join(folder, "seen.png");
    const { code, stdout, stderr } = await runMain(["inspect", path, image, "-o", out]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("On the untouched image the model draws class 0 ");
    expect(decodePng(readFileSync(out))).toMatchObject({ width: 12, height: 16 });
    const again = await runMain(["inspect", path, image, "-o", out]);
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already.*--force/),
    });
    expect((await runMain(["inspect", path, image, "-o", out, "--force"])).code).toBe(0);
  });

  it("asks for one where a picture is wanted", async () => {
    const args = ["inspect", unet, "--out", join(temporaryFolder(), "seen.png")];
    const message = await expectFailure(args, { exit: 2, code: "ERR_USAGE" });
    expect(message).toContain("--out");
  });
});
