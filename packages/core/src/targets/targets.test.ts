import { describe, expect, it } from "vitest";
import type { AsmaError } from "../errors.ts";
import type { LabelMap } from "../image.ts";
import { checkGoal, type GoalCheck } from "./check-goal.ts";
import { hideClass } from "./hide-class.ts";
import { moveForeground } from "./move-foreground.ts";
import { disc, rectangle } from "./shape.ts";

function draw({ data, dims: [, width] }: LabelMap): string[] {
  const rows = [...data].map((label) => (label === 0 ? "." : String(label))).join("");
  return rows.match(new RegExp(`.{${width}}`, "g")) ?? [];
}

function parse(...rows: string[]): LabelMap {
  const data = Int32Array.from(rows.join(""), (c) => (c === "." ? 0 : Number(c)));
  return { data, dims: [rows.length, rows[0]?.length ?? 0] };
}

const bar = parse(".....", ".12..", ".....", ".....", ".....");

it("hides a class", () => {
  expect(draw(hideClass(bar, 2))).toEqual([".....", ".1...", ".....", ".....", "....."]);
});

it("shifts down and right, and off the edge", () => {
  expect(draw(moveForeground(bar, { shift: [2, 1] }))).toEqual([
    ".....",
    ".....",
    ".....",
    "..12.",
    ".....",
  ]);
  expect(draw(moveForeground(bar, { shift: [0, 3] }))[1]).toBe("....1");
});

it("rotates counterclockwise about the centre of the foreground", () => {
  const line = parse(".....", ".....", ".123.", ".....", ".....");
  expect(draw(moveForeground(line, { rotate: 90 }))).toEqual([
    ".....",
    "..3..",
    "..2..",
    "..1..",
    ".....",
  ]);
});

it("scales about the centre of the foreground", () => {
  const dot = parse(".....", ".....", "..1..", ".....", ".....");
  expect(draw(moveForeground(dot, { scale: 3 }))).toEqual([
    ".....",
    ".111.",
    ".111.",
    ".111.",
    ".....",
  ]);
});

it("refuses what is not there to be hidden or moved, and what is moved out of sight", () => {
  const empty = parse("..", "..");
  const codeOf = (task: () => unknown) => {
    try {
      task();
      return undefined;
    } catch (error) {
      return (error as AsmaError).code;
    }
  };
  expect(codeOf(() => hideClass(bar, 3))).toBe("ERR_CLASS_ABSENT");
  expect(codeOf(() => hideClass(empty, 1))).toBe("ERR_CLASS_ABSENT");
  expect(codeOf(() => moveForeground(empty, { shift: [1, 1] }))).toBe("ERR_TARGET_EMPTY");
  expect(codeOf(() => moveForeground(bar, { shift: [9, 0] }))).toBe("ERR_TARGET_EMPTY");
});

describe("checkGoal", () => {
  const check = (
    target: LabelMap,
    run: Partial<GoalCheck["run"]> = {},
    prediction: LabelMap = bar,
  ) => {
    const { dims: size } = prediction;
    const description = { head: { classes: 3 }, grid: { size } } as GoalCheck["description"];
    const defaults = { iouThreshold: 0.95, pixelAccuracyThreshold: 0, iouDefinition: undefined };
    checkGoal({ prediction, target, description, run: { ...defaults, ...run } });
  };
  const refused = (code: string) => expect.objectContaining({ code }) as Error;

  it("refuses what the untouched image reaches already", () => {
    expect(() => check(bar)).toThrow(refused("ERR_TARGET_REACHED"));
    // Nothing of what is to be erased is there.
    const erased = { ...bar, data: bar.data.map((label) => (label === 1 ? 0 : label)) };
    expect(() => check(erased, { iouDefinition: "erased" }, erased)).toThrow(
      refused("ERR_TARGET_REACHED"),
    );
  });

  it("lets through what is still to be reached, by either threshold", () => {
    const other = moveForeground(bar, { shift: [1, 0] });
    expect(() => check(other)).not.toThrow();
    expect(() => check(hideClass(bar, 1), { iouDefinition: "erased" })).not.toThrow();
    expect(() => check(other, { iouThreshold: 0, pixelAccuracyThreshold: 0.99 })).not.toThrow();
    expect(() => check(other, { iouThreshold: 0, pixelAccuracyThreshold: 0.8 })).toThrow(
      refused("ERR_TARGET_REACHED"),
    );
  });

  it("refuses a target in which nothing counts", () => {
    const ignored = { ...bar, data: bar.data.map(() => -1) };
    expect(() => check(ignored)).toThrow(refused("ERR_TARGET_EMPTY"));
  });
});

it("draws a disc and a rectangle", () => {
  expect(draw(disc([4, 4], [2, 2], 1.6, 3))).toEqual([".33.", "3333", "3333", ".33."]);
  expect(draw(rectangle([3, 4], [1, 1, 1, 2]))).toEqual(["....", ".11.", "...."]);
});
