import * as v from "valibot";
import { expect, it } from "vitest";
import {
  thresholdImage,
  thresholdModel,
  thresholdTarget,
} from "../../../../test/support/threshold-model.ts";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import { defineAttack } from "../attack/attack-definition.ts";
import { describeOptions } from "../attack/describe-options.ts";
import { defineRecipe } from "../attack/recipe.ts";
import { targetScores } from "../loss/target-scores.ts";
import { allAttacks, findAttack, registerAttack } from "./index.ts";

const sawtooth = defineAttack({
  name: "sawtooth",
  title: "Sawtooth",
  summary: "Goes up by a gradient that it saw a step ago.",
  paper: "none",
  options: {
    stride: v.optional(v.pipe(v.number(), v.gtValue(0), v.description("step size")), 0.01),
  },
  graph: [],
  keeps: () => "closest",
  norm: () => "l2",
  recipe: (o) =>
    defineRecipe({
      state: { before: { like: "image" }, map: { like: "grid", init: () => 2 } },
      numbers: ["stride"],
      step: (c) => {
        const loss = targetScores(c, c.wrong);
        const gradient = c.gradientOf(loss);
        const u = c.ops.add(c.x, c.ops.mul(c.state.before, c.n.stride));
        return {
          x: c.box(u),
          loss,
          state: { before: gradient, map: c.ops.add(c.state.map, c.wrong) },
          logs: { wrongness: c.ops.sum(c.state.map) },
        };
      },
      schedule: () => ({ next: () => ({ stride: o.stride }) }),
    }),
});

it("lets anybody add an attack, which then works as any other", async () => {
  registerAttack(sawtooth);
  registerAttack(sawtooth);
  expect(findAttack("sawtooth")).toBe(sawtooth);
  const model = await workbenchOf(thresholdModel());
  const target = thresholdTarget((i) => i >= 32 && i < 48);
  const choice = { attack: "sawtooth", stride: 0.005, iterations: 40 };
  const run = await model.attack(thresholdImage(), target, choice as never);
  const { reached, trajectory, attack } = await run.result;
  expect(reached).toBe(true);
  expect(attack).toEqual({ name: "sawtooth", options: { stride: 0.005 } });
  expect(trajectory[0]?.l2).toBe(0);
  // The first step knows no gradient yet; the map starts at 2 and counts.
  expect(trajectory[1]?.l2).toBe(0);
  expect(trajectory[2]?.l2).toBeGreaterThan(0);
  expect(trajectory.slice(0, 3).map(({ logs }) => logs["wrongness"])).toEqual([128, 160, 192]);
  await model.release();
});

it("refuses a second attack of a name, and options that a run has", () => {
  expect(() => registerAttack({ ...sawtooth, title: "Another" })).toThrow(
    expect.objectContaining({ code: "ERR_ATTACK" }),
  );
  const greedy = {
    ...sawtooth,
    name: "greedy",
    options: { iterations: v.optional(v.number(), 3) },
  };
  expect(() => registerAttack(greedy as never)).toThrow(
    expect.objectContaining({ code: "ERR_ATTACK" }),
  );
});

it("tells hosts what they need to know of every attack", () => {
  for (const { name, title, summary, paper, options, graph } of allAttacks()) {
    expect(name).toMatch(/^[a-z][a-z0-9-]*\+?$/);
    expect([title, summary, paper].every((text) => text.length > 0)).toBe(true);
    expect(Object.keys(options)).toEqual(expect.arrayContaining([...graph]));
    for (const { key, description, kind, choices } of describeOptions(options)) {
      expect(description, `${name}.${key}`).not.toBe("");
      expect(kind === "choice").toBe(choices !== undefined);
    }
  }
});

it("describes options as their schemas say", () => {
  const of = (name: string) =>
    Object.fromEntries(describeOptions(findAttack(name).options).map((each) => [each.key, each]));
  expect(of("pgd")).toMatchObject({
    norm: { kind: "choice", choices: ["linf", "l2"], default: "linf" },
    epsilon: { kind: "number", min: 0, default: 8 / 255 },
    randomStart: { kind: "boolean", default: false },
    alpha: { kind: "number", default: undefined },
  });
  expect(of("asma")).toMatchObject({
    variant: { kind: "choice", default: "asma" },
    lossClasses: { kind: "numbers", default: undefined },
  });
});
