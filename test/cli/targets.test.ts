import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import {
  goldenTarget,
  unet,
  unet3,
  unetDynamo,
  writeImage,
  writeMask,
  writePng,
} from "../support/golden-scene.ts";
import { decodePng } from "../support/png.ts";
import { expectFailure, runCli, runJson, temporaryFolder } from "../support/run-cli.ts";

/** Runs one step (more if the flags say so) and gives the target that was written. */
async function targetOf(folder: string, flags: readonly string[], model = unet) {
  const image = writeImage(folder, model === unet3 ? "three" : "two");
  const out = join(folder, "out");
  const steps = flags.includes("--iterations") ? [] : ["--iterations", "1"];
  const args = ["attack", model, image, "-o", out, "--force", ...steps, ...flags];
  const { code, object } = await runJson<ResultRecord>(args);
  return {
    code,
    object,
    target: decodePng(readFileSync(join(out, "target.png"))).data as Uint8Array,
    before: decodePng(readFileSync(join(out, "labels-before.png"))).data as Uint8Array,
  };
}

const moved = goldenTarget("two.moved");
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** The labels in the middle of a mask of the image's size. */
function onImage(labels: Uint8Array, outside: number): Uint8Array {
  return Uint8Array.from({ length: 92 * 92 }, (_, i) => {
    const [y, x] = [Math.floor(i / 92) - 20, (i % 92) - 20];
    return y >= 0 && y < 52 && x >= 0 && x < 52 ? (labels[y * 52 + x] as number) : outside;
  });
}

function centreOf(labels: Uint8Array): { count: number; y: number; x: number } {
  const pixels = [...labels.keys()].filter((i) => labels[i] === 1);
  const mean = (f: (i: number) => number) => pixels.reduce((s, i) => s + f(i), 0) / pixels.length;
  return { count: pixels.length, y: mean((i) => Math.floor(i / 52)), x: mean((i) => i % 52) };
}

describe("--target", () => {
  it("takes labels, and white for class 1", async () => {
    const folder = temporaryFolder();
    const white = writeMask(folder, moved, (label) => 255 * label);
    expect(same((await targetOf(folder, ["--target", white])).target, moved)).toBe(true);
  });

  it("takes a mask of the image's size and cuts out the output grid", async () => {
    const folder = temporaryFolder();
    const mask = writeMask(folder, onImage(moved, 1));
    expect(same((await targetOf(folder, ["--target", mask])).target, moved)).toBe(true);
  });

  it("asks for a threshold for an anti-aliased mask", async () => {
    const folder = temporaryFolder();
    const mask = writeMask(folder, moved, (label, i) => (label === 1 ? 200 + (i % 56) : i % 90));
    const args = ["attack", unet, writeImage(folder), "--target", mask, "-o", join(folder, "out")];
    const message = await expectFailure(args, { exit: 1, code: "ERR_MASK_VALUES" });
    expect(message).toContain("--mask-threshold");
    const { target } = await targetOf(folder, ["--target", mask, "--mask-threshold", "128"]);
    expect(same(target, moved)).toBe(true);
  });

  it("says where a threshold or an ignore label has no effect on the mask", async () => {
    const folder = temporaryFolder();
    const mask = writeMask(folder, moved, (label) => 100 * label);
    const said = async (...flags: string[]) => {
      const args = ["attack", unet, writeImage(folder), "-o", join(folder, "out"), "--force"];
      const steps = ["--iterations", "1", "--target", mask];
      return (await runCli([...args, ...steps, ...flags])).stderr;
    };
    const none = await said("--mask-threshold", "127", "--ignore-label", "77");
    expect(none).toContain(`No pixels of '${mask}' that count are above --mask-threshold 127.`);
    expect(none).toContain(`No pixel of '${mask}' has the value of --ignore-label, 77.`);
    expect(await said("--mask-threshold", "99")).not.toContain("--mask-threshold");
    expect(await said("--mask-threshold", "99", "--ignore-label", "0")).toMatch(
      /All pixels .* are above --mask-threshold 99\./,
    );
  });

  it("takes a class map for a model of three classes", async () => {
    const folder = temporaryFolder();
    const labels = goldenTarget("three.moved");
    const mask = writeMask(folder, labels, (label) => [10, 120, 250][label] as number);
    const flags = ["--target", mask, "--class-map", "10=0,120=1,250=2"];
    expect(same((await targetOf(folder, flags, unet3)).target, labels)).toBe(true);
  });

  it("leaves out what the class map does not name", async () => {
    const folder = temporaryFolder();
    const left = (i: number) => i % 52 < 10;
    const mask = writeMask(folder, moved, (label, i) => (left(i) ? 99 : [7, 8][label]) as number);
    const flags = ["--target", mask, "--class-map", "7=0,8=1,*=ignore"];
    const { object, target } = await targetOf(folder, flags);
    expect(object.target["ignoredPixels"]).toBe(520);
    expect(target.every((label, i) => label === (left(i) ? 255 : moved[i]))).toBe(true);
  });

  it.each(["red=1", "#ff=1", "7=1,7=0", "7=1=2", "7"])("refuses the class map %s", async (map) => {
    const args = ["attack", "absent.onnx", "absent.png", "--target", "m.png", "--class-map", map];
    await expectFailure([...args, "-o", "absent"], { exit: 2, code: "ERR_USAGE" });
  });

  it("leaves out the ignore label", async () => {
    const folder = temporaryFolder();
    const ignored = (i: number) => i % 52 < 10;
    const mask = writeMask(folder, moved, (label, i) => (ignored(i) ? 99 : label));
    const { object, target } = await targetOf(folder, ["--target", mask, "--ignore-label", "99"]);
    expect(object.target["ignoredPixels"]).toBe(520);
    expect(target.every((label, i) => label === (ignored(i) ? 255 : moved[i]))).toBe(true);
    const wrong = Math.round((1 - object.saved.pixelAccuracy) * (2704 - 520));
    expect(object.saved.wrongPixels).toBe(wrong);
  });

  it("works with external data and a fixed input size", async () => {
    const folder = temporaryFolder();
    const mask = writeMask(folder, moved);
    const { object, target } = await targetOf(
      folder,
      ["--target", mask, "--iterations", "10"],
      unetDynamo,
    );
    expect(same(target, moved)).toBe(true);
    expect(object.saved.l2).toBeGreaterThan(0);
  });
});

it("--hide reaches an empty target", async () => {
  const { code, object, target } = await targetOf(temporaryFolder(), [
    "--hide",
    "1",
    "--iou",
    "1",
    "--iterations",
    "150",
  ]);
  expect(code).toBe(0);
  expect(target.every((label) => label === 0)).toBe(true);
  expect(object.saved).toMatchObject({ iou: 1, wrongPixels: 0, reached: true });
});

it("--hide takes one class of three away", async () => {
  const { before, target } = await targetOf(temporaryFolder(), ["--hide", "2"], unet3);
  expect(before.includes(2)).toBe(true);
  expect(
    same(
      target,
      before.map((label) => (label === 2 ? 0 : label)),
    ),
  ).toBe(true);
});

it("--hide takes a class by its name, and says which there are", async () => {
  const names = ["--classes", "ground,disc,square"];
  const { before, target } = await targetOf(
    temporaryFolder(),
    ["--hide", "square", ...names],
    unet3,
  );
  expect([...target]).toEqual([...before].map((label) => (label === 2 ? 0 : label)));
  const folder = temporaryFolder();
  const args = ["attack", unet3, writeImage(folder, "three"), "-o", join(folder, "out"), ...names];
  const refused = (...flags: string[]) =>
    expectFailure([...args, ...flags], { exit: 1, code: "ERR_TARGET_CLASS" });
  expect(await refused("--hide", "squares")).toContain(
    "'square' (2), 'ground' (0), 'disc' (1), but --hide asks for 'squares'",
  );
  expect(await refused("--hide", "ground")).toContain("'ground' is class 0");
  expect(await refused("--disc", "40,40,9", "--target-class", "3")).toContain(
    "--target-class asks for 3",
  );
});

it("--class-map and --loss-classes take classes by their names", async () => {
  const names = ["--classes", "ground,disc,square"];
  const folder = temporaryFolder();
  const labels = Uint8Array.from({ length: 36 * 36 }, (_, i) => (i < 300 ? 200 : 10));
  const map = ["--target", writeMask(folder, labels), "--class-map", "200=square,10=ground"];
  const { target, object } = await targetOf(
    folder,
    [...map, ...names, "--loss-classes", "square"],
    unet3,
  );
  expect([...target]).toEqual([...labels].map((value) => (value === 200 ? 2 : 0)));
  expect(object.attack.options["lossClasses"]).toEqual([2]);
});

it("--hide measures the share erased, unless told otherwise", async () => {
  const hide = (...flags: string[]) =>
    targetOf(temporaryFolder(), ["--hide", "2", ...flags], unet3);
  const erased = (await hide()).object;
  // Other classes stay in the target, which without --hide would be measured by its classes.
  expect(erased.target["pixelsPerClass"]).toMatchObject({ 2: 0 });
  expect((erased.target["pixelsPerClass"] as number[])[1]).toBeGreaterThan(0);
  expect(erased.iouDefinition).toBe("erased");
  expect(erased.target["request"]).toEqual({ hide: 2 });
  const told = (await hide("--iou-definition", "mean-all")).object;
  expect(told.iouDefinition).toBe("mean-all");
  const preset = (await hide("--flavour", "adv_lib")).object;
  expect(preset.iouDefinition).toBe("mean-all");
});

it("--shift, --rotate and --scale move the prediction", async () => {
  const folder = temporaryFolder();
  const shift = await targetOf(folder, ["--shift", "3,-4"]);
  const [still, shifted] = [centreOf(shift.before), centreOf(shift.target)];
  expect(shifted.y - still.y).toBeCloseTo(3, 0);
  expect(shifted.x - still.x).toBeCloseTo(-4, 0);
  const { target } = await targetOf(folder, ["--rotate", "90", "--scale", "0.5"]);
  expect(centreOf(target).count / still.count).toBeCloseTo(0.25, 1);
});

it("--target-image takes the prediction of another image", async () => {
  const folder = temporaryFolder();
  const { data } = decodePng(readFileSync(writeImage(folder)));
  const other = writePng(folder, "other.png", 92, 3, (data as Uint8Array).toReversed());
  const { target } = await targetOf(folder, ["--target-image", other]);
  const out = join(folder, "of-other");
  await runJson(["attack", unet, other, "--disc", "46,46,10", "--iterations", "1", "-o", out]);
  const drawn = decodePng(readFileSync(join(out, "labels-before.png"))).data as Uint8Array;
  expect(same(target, drawn)).toBe(true);
});

it("what the untouched image reaches already is refused before anything runs", async () => {
  const folder = temporaryFolder();
  const image = writeImage(folder);
  const out = join(folder, "out");
  const refusal = (code: string, ...flags: string[]) =>
    expectFailure(["attack", unet, image, "-o", out, ...flags], { exit: 5, code });
  const reached = await refusal("ERR_TARGET_REACHED", "--target-image", image);
  expect(reached).toContain("IoU (foreground) 1.0000");
  await refusal("ERR_TARGET_REACHED", "--shift", "0,0");
  await refusal("ERR_TARGET_REACHED", "--shift", "1,0", "--iou", "0.2");
  await refusal("ERR_TARGET_EMPTY", "--shift", "100,0");
  const [three, aim] = [writeImage(folder, "three"), ["--hide", "1", "-o", out]];
  await expectFailure(["attack", unet3, three, ...aim, "--iou", "0"], {
    exit: 5,
    code: "ERR_TARGET_REACHED",
  });
  expect(existsSync(out)).toBe(false);
});

it("says what the untouched model draws, and marks one class alone", async () => {
  const folder = temporaryFolder();
  const grey = writePng(folder, "grey.png", 92, 3, new Uint8Array(3 * 92 * 92));
  const args = ["--disc", "46,46,10", "--iterations", "1", "-o", join(folder, "out")];
  const found = await runCli(["attack", unet, writeImage(folder), ...args]);
  expect(found.stderr).toMatch(
    /^On the untouched image the model draws class 0 [\d.]+ %, class 1 [\d.]+ % \(\d+ px\)\.\n/,
  );
  const black = await runJson<ResultRecord>(["attack", unet, grey, ...args, "--force"]);
  expect(black.object.notices).toEqual([
    expect.stringMatching(/^The model draws one class only on the untouched image \(class \d\)/),
  ]);
});

it("--disc and --rectangle lie in pixels of the image", async () => {
  const folder = temporaryFolder();
  const disc = await targetOf(folder, ["--disc", "46,46,10"]);
  const centre = centreOf(disc.target);
  expect(centre.count).toBeGreaterThan(300);
  expect(centre.count).toBeLessThan(330);
  expect([centre.y, centre.x]).toEqual([25.5, 25.5]);
  const { target } = await targetOf(folder, ["--rectangle", "30,25,8,16"]);
  const expected = Uint8Array.from({ length: 2704 }, (_, i) => {
    const [y, x] = [Math.floor(i / 52), i % 52];
    return y >= 10 && y < 18 && x >= 5 && x < 21 ? 1 : 0;
  });
  expect(same(target, expected)).toBe(true);
});

it("takes labels from .npy", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "mask.npy");
  const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (52, 52), }".padEnd(117) + "\n";
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  writeFileSync(path, Buffer.concat([start, Buffer.from(header), moved]));
  expect(same((await targetOf(folder, ["--target", path])).target, moved)).toBe(true);
});
