import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import {
  goldenTarget,
  readNpyValues,
  toPixels,
  toPlanes,
  unet,
  unet3,
  unetDynamo,
  writeImage,
  writeMask,
} from "../support/golden-scene.ts";
import { iouOf } from "../support/iou-of.ts";
import { decodePng } from "../support/png.ts";
import { expectFailure, namesIn, runCli, runJson, temporaryFolder } from "../support/run-cli.ts";

const files = [
  "adversarial.npy",
  "adversarial.png",
  "labels-after.png",
  "labels-before.png",
  "original.png",
  "overview.png",
  "perturbation.png",
  "prediction-after.png",
  "prediction-before.png",
  "result.json",
  "target.png",
  "trajectory.csv",
  "trajectory.svg",
];

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** The figures of a result, worked out from the files alone on the original model. */
async function recompute(
  folder: string,
  image: string,
  model: string,
  side: number,
  classes: number,
) {
  const saved = toPlanes(decodePng(readFileSync(join(folder, "adversarial.png"))).data, 3);
  const before = toPlanes(decodePng(readFileSync(image)).data, 3);
  const target = decodePng(readFileSync(join(folder, "target.png"))).data;
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const { logits } = await session.run({
    image: new ort.Tensor("float32", saved, [1, 3, side, side]),
  });
  await session.release();
  const scores = logits?.data as Float32Array;
  const pixels = target.length;
  const labels = Uint8Array.from({ length: pixels }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      best = (scores[c * pixels + i] as number) > (scores[best * pixels + i] as number) ? c : best;
    }
    return best;
  });
  const isRight = (i: number) => labels[i] === target[i];
  const changes = saved.map((v, i) => v - (before[i] as number));
  return {
    iou: iouOf(labels, target, classes),
    pixelAccuracy: labels.reduce((n, _, i) => n + (isRight(i) ? 1 : 0), 0) / pixels,
    l2: Math.sqrt(changes.reduce((sum, v) => sum + v * v, 0)),
    linf: changes.reduce((max, v) => Math.max(max, Math.abs(v)), 0),
  };
}

/** Attacks the golden image in a folder of its own; without a target, class 1 is hidden. */
async function attack(
  flags: readonly string[],
  {
    model = unet,
    image: of = "two",
    target,
  }: {
    readonly model?: string;
    readonly image?: "two" | "three";
    readonly target?: "two.moved" | "three.absent";
  } = {},
) {
  const folder = temporaryFolder();
  const [image, out] = [writeImage(folder, of), join(folder, "out")];
  const aim =
    target === undefined ? ["--hide", "1"] : ["--target", writeMask(folder, goldenTarget(target))];
  const args = ["attack", model, image, ...aim, "-o", out, ...flags];
  return { ...(await runJson<ResultRecord>(args)), image, out };
}

describe("attack", () => {
  it("reaches the target and writes everything, with the right figures", async () => {
    const folder = temporaryFolder();
    const [image, out] = [writeImage(folder), join(folder, "new", "out")];
    const mask = writeMask(folder, goldenTarget("two.moved"));
    const { code, stdout, stderr } = await runCli([
      "attack",
      unet,
      image,
      "--target",
      mask,
      "-o",
      out,
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /^Reached in \d+ steps: the model draws the target with \d+\.\d\d % IoU \(foreground; goal \d+ %\)\.\nThe picture changed by at most [\d.]+ of 255 levels/,
    );
    expect(stdout).not.toContain("|=");
    expect(stderr).toContain("attack |");
    expect(namesIn(out)).toEqual(files);
    const record = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ResultRecord;
    expect(record).toMatchObject({
      reached: true,
      stopReason: "reached",
      attack: { name: "asma", title: "ASMA", options: { variant: "asma", lambda: 0 } },
      options: { iterations: 500, iouThreshold: 0.95, earlyStop: true, levels: 256, seed: 0 },
      iouDefinition: "foreground",
      notices: [],
    });
    expect(record).not.toHaveProperty("failure");
    expect(record.files.toSorted()).toEqual(files);
    expect(record.model).toMatchObject({
      file: "unet-legacy.onnx",
      sha256: sha256(unet),
      externalData: [],
      preprocessor: null,
      opset: 17,
    });
    expect(record.image).toMatchObject({
      file: "image.png",
      sha256: sha256(image),
      adversarialSha256: sha256(join(out, "adversarial.png")),
    });
    const labels = Buffer.from(Int32Array.from(goldenTarget("two.moved")).buffer);
    expect(record.target).toMatchObject({
      from: { file: "mask.png", sha256: sha256(mask) },
      labelsSha256: createHash("sha256").update(labels).digest("hex"),
    });

    const found = await recompute(out, image, unet, 92, 2);
    expect(found.iou).toBeGreaterThanOrEqual(0.95);
    for (const [name, value] of Object.entries(found)) {
      expect(record.saved[name as "iou"], name).toBeCloseTo(value, 5);
    }
    const png = decodePng(readFileSync(join(out, "adversarial.png")));
    expect(png).toMatchObject({ width: 92, height: 92, channels: 3 });
    const npy = readNpyValues(join(out, "adversarial.npy"));
    expect(Buffer.compare(png.data as Uint8Array, toPixels(npy, 3))).toBe(0);
    const target = decodePng(readFileSync(join(out, "target.png")));
    expect(Buffer.compare(target.data as Uint8Array, goldenTarget("two.moved"))).toBe(0);

    const rows = readFileSync(join(out, "trajectory.csv"), "utf8").trimEnd().split("\n");
    expect(rows).toHaveLength(record.steps + 2);
    expect(rows[0]).toBe(
      "step,iou,pixel_accuracy,wrong_pixels,loss,l1,l2,linf,gradient_l2," +
        "judged_iou,judged_pixel_accuracy,judged_wrong_pixels,alpha,beta,tau",
    );
    const last = (rows.at(-1) as string).split(",").map(Number);
    expect(last[0]).toBe(record.best.step);
    expect(last[1]).toBeCloseTo(found.iou, 5);
    expect(last[9]).toBeCloseTo(found.iou, 5);
    const { forwards, backwards, judgements } = record.passes;
    expect([forwards, backwards]).toEqual([record.steps + 1 + judgements, record.steps + 1]);
    expect(record.judged.map(({ reached }) => reached)).toEqual(
      Array.from({ length: judgements }, (_, i) => i === judgements - 1),
    );
    expect(stdout).toMatch(/attack +ASMA; at the best step alpha \S+, beta \S+, tau \S+\n/);
    expect(stdout).toContain(`${forwards} forwards (${judgements} judgement`);
    for (const name of ["prediction-before.png", "prediction-after.png"]) {
      expect(decodePng(readFileSync(join(out, name)))).toMatchObject({ width: 92, height: 92 });
    }

    // A second run finds the results; the refusal leaves them as they are.
    const checksums = () => files.map((name) => sha256(join(out, name)));
    const [before, again] = [checksums(), ["attack", unet, image, "--hide", "1", "-o", out]];
    const message = await expectFailure(again, { exit: 1, code: "ERR_RESULTS_EXIST" });
    expect(message).toMatch(/holds results already \(original\.png, .*--force/);
    expect(checksums()).toEqual(before);
    writeFileSync(join(out, "notes.txt"), "mine");
    const forced = await runJson<ResultRecord>([...again, "--force", "--iterations", "1"]);
    expect(forced.code).toBe(3);
    expect(namesIn(out)).toEqual([...files, "notes.txt"].toSorted());
    expect(checksums()).not.toEqual(before);
    expect(JSON.parse(readFileSync(join(out, "result.json"), "utf8"))).toEqual(forced.object);
  });

  it("gives one object with --json, and exits 3 when it missed", async () => {
    const { code, stderr, object, out } = await attack(["--iterations", "1"], {
      target: "two.moved",
    });
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    expect(object).toMatchObject({ reached: false, stopReason: "iterations", steps: 1 });
    expect(object.saved.iou).toBeLessThan(0.95);
    expect(namesIn(out)).toEqual(files);
  });

  it("says in words that it missed, and is quiet on demand", async () => {
    const folder = temporaryFolder();
    const [image, out] = [writeImage(folder), join(folder, "out")];
    const { code, stdout, stderr } = await runCli([
      "attack",
      unet,
      image,
      "--hide",
      "1",
      "-o",
      out,
      "--iterations",
      "2",
      "--quiet",
    ]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    expect(stdout).toContain("Not reached in 2 steps: ");
  });

  it("attacks a model of three classes", async () => {
    const scene = { model: unet3, image: "three", target: "three.absent" } as const;
    const { code, object, image, out } = await attack([], scene);
    expect(code).toBe(0);
    expect(object.iouDefinition).toBe("mean-target");
    const found = await recompute(out, image, unet3, 76, 3);
    for (const [name, value] of Object.entries(found)) {
      expect(object.saved[name as "iou"], name).toBeCloseTo(value, 5);
    }
  });

  it("uses all iterations with --no-early-stop and keeps the smallest perturbation", async () => {
    const { code, object, out } = await attack(["--no-early-stop", "--iterations", "80"]);
    expect(code).toBe(0);
    expect(object).toMatchObject({ stopReason: "iterations", steps: 80, reached: true });
    const rows = readFileSync(join(out, "trajectory.csv"), "utf8").trimEnd().split("\n").slice(1);
    const reached = rows
      .map((row) => row.split(",").map(Number))
      .filter((row) => (row[1] ?? 0) >= 0.95);
    expect(object.saved.l2).toBeCloseTo(Math.min(...reached.map((row) => row[6] as number)), 5);
  });

  it("leaves everything outside the region as it was", async () => {
    const inside = (i: number) => i % 92 >= 30;
    const region = writeMask(
      temporaryFolder(),
      new Uint8Array(92 * 92),
      (_, i) => (inside(i) ? 255 : 0),
      "region.png",
    );
    const flags = ["--region", region, "--iterations", "20"];
    const { code, object, image, out } = await attack(flags);
    expect([0, 3]).toContain(code);
    expect(object.saved.l2).toBeGreaterThan(0);
    const [before, after] = [image, join(out, "adversarial.png")].map(
      (path) => decodePng(readFileSync(path)).data,
    );
    const moved = Array.from({ length: 92 * 92 }, (_, i) => i).filter((i) =>
      [0, 1, 2].some((c) => before?.[3 * i + c] !== after?.[3 * i + c]),
    );
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.every(inside)).toBe(true);
  });

  it.each(["asm", "ssm", "ssm+dpm"])("runs the variant %s", async (variant) => {
    const { code, object } = await attack(["--variant", variant, "--iterations", "5"]);
    expect(code).toBe(3);
    expect(object.attack.options["variant"]).toBe(variant);
    expect(Object.keys(object.best.logs)).toEqual(
      variant === "ssm+dpm" ? ["alpha", "beta", "tau"] : ["alpha"],
    );
    expect(object.saved.l2).toBeGreaterThan(0);
  });

  it.each(["reference", "adv_lib"])(
    "runs the flavour %s with given step sizes",
    async (flavour) => {
      const flags = ["--beta", "0.01", "--tau", "0.001", "--iterations", "30"];
      const { code, object } = await attack(["--flavour", flavour, ...flags], {
        target: "two.moved",
      });
      expect([0, 3]).toContain(code);
      // What follows from the flavour is recorded as it was used.
      expect(object).toMatchObject({
        steps: 30,
        attack: { options: { flavour, beta: 0.01, tau: 0.001, lambda: 1 } },
        options: { earlyStop: false, levels: "float" },
      });
      expect(object.iouDefinition).toBe(flavour === "adv_lib" ? "mean-all" : "foreground");
      expect(object.saved.iou).toBeGreaterThan(0.5);
    },
  );

  it("records the content of every file that it was given", async () => {
    const folder = temporaryFolder();
    const model = join(folder, "unet-dynamo.onnx");
    copyFileSync(unetDynamo, model);
    copyFileSync(`${unetDynamo}.data`, `${model}.data`);
    const preprocessor = join(folder, "preprocessor_config.json");
    writeFileSync(preprocessor, JSON.stringify({ do_resize: false, do_normalize: false }));
    const ones = Array.from({ length: 92 * 92 }, () => 255);
    const region = writeMask(folder, ones, undefined, "region.png");
    const [image, out] = [writeImage(folder), join(folder, "out")];
    const flags = ["--hide", "1", "--region", region, "--iterations", "1", "-o", out];
    const { object } = await runJson<ResultRecord>(["attack", model, image, ...flags]);
    expect(object).toMatchObject({
      model: {
        file: "unet-dynamo.onnx",
        sha256: sha256(model),
        externalData: [{ file: "unet-dynamo.onnx.data", sha256: sha256(`${model}.data`) }],
        preprocessor: { file: "preprocessor_config.json", sha256: sha256(preprocessor) },
        trainingGraph: null,
      },
      image: { file: "image.png", sha256: sha256(image) },
      region: { file: "region.png", sha256: sha256(region) },
      runtime: { executionProviders: ["cpu"], threads: 1 },
    });
    expect(object.target).not.toHaveProperty("from");
  });

  it("prints and records what the attack has to say", async () => {
    const { stderr, object } = await attack(
      ["--beta", "1", "--tau", "1", "--lambda", "1", "--iterations", "2"],
      { target: "two.moved" },
    );
    expect(object.notices).toEqual([expect.stringContaining("2·λ·α")]);
    expect(stderr).toBe(`${object.notices[0]}\n`);
  });

  it("saves in the levels that are asked for", async () => {
    const { object, out } = await attack(["--levels", "65536", "--iterations", "20"]);
    expect(object.options.levels).toBe(65_536);
    expect(object.saved.l2).toBe(object.float.l2);
    // IHDR: bits per channel.
    expect(readFileSync(join(out, "adversarial.png"))[24]).toBe(16);
  });

  it("optimises the float image with --float", async () => {
    const { object, out } = await attack(["--float", "--iterations", "10"]);
    expect(object.options.levels).toBe("float");
    const npy = readNpyValues(join(out, "adversarial.npy"));
    expect(npy.some((v) => Math.abs(v * 255 - Math.round(v * 255)) > 0.01)).toBe(true);
    expect(object.float.l2).not.toBe(object.saved.l2);
    const saved = decodePng(readFileSync(join(out, "adversarial.png"))).data;
    expect(Buffer.compare(saved as Uint8Array, toPixels(npy, 3))).toBe(0);
  });
});

describe("usage", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no target", [], /exactly one target: --target, --target-image, --hide/],
    ["two targets", ["--hide", "1", "--disc", "40,40,9"], /exactly one target/],
    ["no number", ["--hide", "1", "--iterations", "many"], /Expected a number but received 'many'/],
    ["no iterations", ["--hide", "1", "--iterations", "0"], /at least 1 but received '0'/],
    ["no number for a step size", ["--hide", "1", "--beta", "b"], /--beta: Expected a number.*'b'/],
    ["an IoU above 1", ["--hide", "1", "--iou", "95"], /from 0 to 1 but received '95'/],
    ["the background hidden", ["--hide", "0"], /at least 1 but received '0'/],
    ["a disc without extent", ["--disc", "40,40,-5"], /radius greater than 0.*40,40,-5/],
    [
      "an unknown provider",
      ["--hide", "1", "--provider", "abacus"],
      /among cpu.*but found 'abacus'/,
    ],
  ];

  it.each(cases)("refuses %s", async (_, flags, message) => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    const code = flags.includes("abacus") ? "ERR_PROVIDER" : "ERR_USAGE";
    const args = ["attack", "absent.onnx", "absent.png", "-o", out, ...flags];
    expect(await expectFailure(args, { exit: 2, code })).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ["negative beta", ["--beta=-1", "--tau", "1"], "ERR_OPTION", />0 for --beta of asma.*-1/],
    ["zero tau", ["--beta", "1", "--tau", "0"], "ERR_OPTION", />0 for --tau of asma.*0/],
    ["an unknown variant", ["--variant", "dpm"], "ERR_OPTION", /for --variant of asma.*dpm/],
    ["one level", ["--levels", "1"], "ERR_USAGE", /at least 2 but received '1'/],
    ["β without τ", ["--beta", "1"], "ERR_STEP_SIZE", /belong together/],
    [
      "β and τ for a constant step",
      ["--variant", "asm", "--beta", "1", "--tau", "1"],
      "ERR_STEP_SIZE",
      /give --alpha/,
    ],
    [
      "a constant step for growing ones",
      ["--alpha", "1"],
      "ERR_STEP_SIZE",
      /give --beta and --tau/,
    ],
  ])("refuses %s before any file is read", async (_, flags, code, message) => {
    const folder = temporaryFolder();
    const args = ["attack", "absent.onnx", "absent.png", "--hide", "1", "-o", join(folder, "out")];
    expect(await expectFailure([...args, ...flags], { exit: 2, code })).toMatch(message);
    expect(namesIn(folder)).toEqual([]);
  });

  it.each<[string[], string, string]>([
    [["--hide", "1", "--padding-mode", "edge"], "--padding-mode", "without --padding"],
    [["--hide", "1", "--target-class", "1"], "--target-class", "without --disc or --rectangle"],
    [["--hide", "1", "--mask-threshold", "9"], "--mask-threshold", "without --target"],
    [["--hide", "1", "--class-map", "9=1"], "--class-map", "without --target"],
    [["--hide", "1", "--ignore-label", "9"], "--ignore-label", "without --target"],
    [
      ["--target", "m.png", "--class-map", "9=1", "--mask-threshold", "9"],
      "--mask-threshold",
      "beside --class-map",
    ],
    [["--hide", "1", "--levels", "256", "--float"], "--levels", "beside --float"],
    [["--hide", "1", "--gradient-output", "g"], "--gradient-output", "without --training-graph"],
  ])("says that a flag of %j has no effect", async (flags, flag, when) => {
    const args = ["attack", "absent.onnx", "absent.png", "-o", "absent", ...flags];
    const message = await expectFailure(args, { exit: 2, code: "ERR_USAGE" });
    expect(message).toContain(`${flag} has no effect ${when}`);
  });
});
