import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { beforeAll, expect, it, vi } from "vitest";
import { defineAttack, defineRecipe, registerAttack } from "@onnx-asma/core";
import type { ResultRecord } from "@onnx-asma/node";
import { main } from "../../packages/node/src/cli/main.ts";
import { goldenTarget, unet, writeImage, writeMask } from "../support/golden-scene.ts";
import { expectFailure, namesIn, runCli, runJson, temporaryFolder } from "../support/run-cli.ts";

const described = <Schema extends v.GenericSchema>(schema: Schema, text: string) =>
  v.pipe(schema, v.description(text));

/** Goes along the gradient of the target's scores, in steps of one length. */
const nudge = defineAttack({
  name: "nudge",
  title: "Nudge",
  summary: "A step of one length along the gradient.",
  paper: "none",
  options: {
    itsFlag: v.optional(described(v.pipe(v.number(), v.minValue(1)), "length of a step"), 1),
    careful: v.optional(described(v.boolean(), "only wrong pixels enter the loss"), true),
    epsilon: v.optional(described(v.number(), "something else than a budget"), 5),
    // The command has a flag of that name.
    threads: v.optional(described(v.array(v.number()), "some numbers"), [1]),
  },
  graph: ["careful"],
  keeps: () => "closest",
  norm: () => "l2",
  presets: () => ({ iterations: 3, earlyStop: false }),
  recipe: (o) =>
    defineRecipe({
      state: {},
      numbers: ["length"],
      step: (c) => {
        const weight = c.ops.mul(c.targetOneHot, o.careful ? c.wrong : c.counted);
        const loss = [{ value: c.scores, weight }];
        const u = c.ops.add(c.x, c.ops.mul(c.gradientOf(loss), c.n.length));
        return { x: c.box(u), loss, logs: { stride: c.n.length } };
      },
      schedule: () => ({ next: () => ({ length: 1e-3 * o.itsFlag }) }),
    }),
});

beforeAll(() => registerAttack(nudge));

/** Runs the command line in this process, where the attack is registered. */
async function run(args: readonly string[]) {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      // Coloured where CI is set.
      written[stream] += stripVTControlCharacters(String(text));
      return true;
    }),
  );
  try {
    return { code: await main(args), ...written };
  } finally {
    spies.forEach((spy) => spy.mockRestore());
  }
}

function scene() {
  const folder = temporaryFolder();
  const out = join(folder, "out");
  const mask = writeMask(folder, goldenTarget("two.moved"));
  const args = ["attack", unet, writeImage(folder), "--target", mask, "-o", out, "--threads", "1"];
  return { out, args };
}

it("runs a registered attack with flags made from its options", async () => {
  const { args, out } = scene();
  const flags = ["--its-flag", "3", "--no-careful", "--nudge-threads", "4,2"];
  const { code, stdout, stderr } = await run([...args, "--attack", "nudge", ...flags]);
  expect(code, stderr).toBe(3);
  expect(stdout).toMatch(/attack +Nudge; at the best step stride 0\.00300\n/);
  const record = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ResultRecord;
  expect(record.attack).toEqual({
    name: "nudge",
    title: "Nudge",
    paper: "none",
    options: { itsFlag: 3, careful: false, epsilon: 5, threads: [4, 2] },
  });
  // What was not given is the attack's to preset.
  expect(record.options).toMatchObject({ iterations: 3, earlyStop: false });
  expect(record.steps).toBe(3);
  const csv = readFileSync(join(out, "trajectory.csv"), "utf8").split("\n");
  expect(csv[0]).toMatch(/,judged_wrong_pixels,stride$/);
  expect(Number(csv[1]?.split(",").at(-1))).toBeCloseTo(0.003, 8);
  expect(readFileSync(join(out, "trajectory.svg"), "utf8")).toContain(">stride<");
});

it("lets what is given come before what the attack presets", async () => {
  const { args, out } = scene();
  const flags = ["--iterations", "2", "--early-stop", "--json"];
  expect((await run([...args, "--attack", "nudge", ...flags])).code).toBe(3);
  const { options } = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ResultRecord;
  expect(options).toMatchObject({ iterations: 2, earlyStop: true });
});

it("lets an attack's schema check the values", async () => {
  const absent = ["attack", "absent.onnx", "absent.png", "--hide", "1", "-o", "absent"];
  const low = await run([...absent, "--attack", "nudge", "--its-flag", "0"]);
  expect(low).toMatchObject({ code: 2, stdout: "" });
  expect(low.stderr).toContain("ERR_OPTION Expected >=1 for --its-flag of nudge");
  const text = await run([...absent, "--attack", "nudge", "--nudge-threads", "1,b"]);
  expect(text).toMatchObject({ code: 2 });
  expect(text.stderr).toContain("ERR_USAGE Expected a number for --nudge-threads but found 'b'");
});

it("groups the flags in its help by attack, those of several once", async () => {
  const { code, stdout } = await run(["attack", "--help"]);
  expect(code).toBe(0);
  const lines = stdout.split("\n").map((line) => line.trim().replace(/ {2,}/, " "));
  const group = (heading: string | RegExp) => {
    const isHeading = (line: string) =>
      typeof heading === "string" ? line === heading : heading.test(line);
    const from = lines.findIndex(isHeading) + 1;
    expect(from, String(heading)).toBeGreaterThan(0);
    return lines.slice(from, lines.indexOf("", from)).join(" ");
  };
  expect(group("Options of Nudge:")).toBe(
    "--its-flag <number> length of a step (default: 1) --no-careful only wrong pixels enter the loss " +
      "--nudge-threads <numbers> some numbers (default: 1)",
  );
  expect(group(/^Options of PGD, MI-FGSM, .*Nudge:$/)).toMatch(
    /^--epsilon <number> PGD, MI-FGSM, .*: budget.*\(default: 0\.03137\)\. Nudge: something else than a budget \(default: 5\)$/,
  );
  expect(stdout.match(/--epsilon /g)).toHaveLength(1);
  expect(group("Run:")).toMatch(/--iterations <number> .*default: 500/);
  expect(group("Attack:")).toMatch(/nudge: A step of one length/);
});

it.each([
  [["--epsilon", "0.1"], "--epsilon belongs to --attack pgd and mi-fgsm"],
  [["--attack", "pgd", "--mu", "1"], "--mu belongs to --attack mi-fgsm"],
  [["--attack", "mi-fgsm", "--random-start"], "--random-start belongs to --attack pgd"],
  [
    ["--attack", "pgd", "--beta", "1"],
    "--beta belongs to --attack asma, but the attack here is pgd",
  ],
  [["--seed", "1"], "--seed has no effect here"],
  [["--attack", "pgd", "--seed", "1"], "--seed has no effect here"],
])("refuses %j, the flag of another attack, before any file is read", async (flags, expected) => {
  const folder = temporaryFolder();
  const args = ["attack", "absent.onnx", "absent.png", "--hide", "1", "-o", join(folder, "out")];
  const message = await expectFailure([...args, ...flags], { exit: 2, code: "ERR_USAGE" });
  expect(message).toContain(expected);
  expect(namesIn(folder)).toEqual([]);
});

it("refuses an attack that does not exist", async () => {
  const { code, stderr } = await runCli(["attack", "m", "i", "-o", "o", "--attack", "fgsm"]);
  expect(code).toBe(2);
  expect(stderr).toContain("asma, pgd, mi-fgsm");
});

it("attacks with PGD from a random start, by the seed", async () => {
  const { args } = scene();
  const flags = ["--attack", "pgd", "--norm", "l2", "--epsilon", "2", "--random-start"];
  const attack = async (seed: string) =>
    await runJson<ResultRecord>([
      ...args,
      "--force",
      ...flags,
      "--iterations",
      "4",
      "--seed",
      seed,
    ]);
  const { code, stdout, object } = await attack("3");
  expect(code).toBe(3);
  expect(object.attack).toMatchObject({
    name: "pgd",
    options: { norm: "l2", epsilon: 2, alpha: 1.25, loss: "cross-entropy", randomStart: true },
  });
  expect(object.options).toMatchObject({ iterations: 4, earlyStop: true, seed: 3 });
  // Rounding may exceed the budget by a thousandth.
  expect(object.best.l2).toBeLessThanOrEqual(2.002);
  expect(stdout).not.toContain("ASMA");
  expect((await attack("3")).object.best).toEqual(object.best);
  expect((await attack("4")).object.best).not.toEqual(object.best);
});

it("takes as many steps as the attack presets", async () => {
  const { args } = scene();
  const { object } = await runJson<ResultRecord>([...args, "--attack", "mi-fgsm", "--iou", "1"]);
  expect(object).toMatchObject({ steps: 10, options: { iterations: 10 } });
});
