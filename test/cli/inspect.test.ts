import { describe, expect, it } from "vitest";
import { golden, unet, unet3 } from "../support/golden-scene.ts";
import { expectFailure, runCli, runJson } from "../support/run-cli.ts";

interface Inspection {
  readonly opset: number;
  readonly operators: readonly string[];
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly head: { readonly classes: number; readonly size: readonly number[] };
  readonly grid: { readonly kind: string };
  readonly classNames: readonly string[];
  readonly decisions: readonly { readonly override: string }[];
  readonly isDifferentiable: boolean;
}

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
    expect(object.decisions.every(({ override }) => override !== "")).toBe(true);
  });

  it("takes dims for dynamic axes, and asks for them", async () => {
    const { object } = await runJson<Inspection>(["inspect", unet, "--shape", "image=1,3,108,92"]);
    expect(object.head.size).toEqual([68, 52]);
    const message = await expectFailure(["inspect", unet], { exit: 1, code: "ERR_INPUT_DIMS" });
    expect(message).toContain("'image' has dims [?, 3, ?, ?]");
    expect(message).toContain("--shape image=1,3,512,512");
  });

  it("names what is wrong with overrides", async () => {
    const classes = await expectFailure(["inspect", unet3, "--classes", "a,b"], {
      exit: 1,
      code: "ERR_CLASSES",
    });
    expect(classes).toContain("Expected 3 class names");
    const output = await expectFailure(["inspect", unet3, "--output", "scores"], {
      exit: 4,
      code: "ERR_OUTPUT",
    });
    expect(output).toContain("no output 'scores'. Its outputs are 'logits'");
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
    expect(await expectFailure(["inspect"], usage)).toContain("missing required argument 'model'");
    expect(await expectFailure(["inspect", unet3, "--colour"], usage)).toContain("'--colour'");
    const { code, stdout, stderr } = await runCli(["inspect", unet3, "--layout", "CHWN"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Allowed choices are NCHW, NHWC");
    expect(stderr).toContain("--help");
  });
});
