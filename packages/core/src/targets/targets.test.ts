import { expect, it } from "vitest";
import type { LabelMap } from "../image.ts";
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

it("leaves a prediction without foreground empty", () => {
  expect(
    moveForeground(parse("..", ".."), { shift: [1, 1] }).data.every((label) => label === 0),
  ).toBe(true);
});

it("draws a disc and a rectangle", () => {
  expect(draw(disc([4, 4], [2, 2], 1.6, 3))).toEqual([".33.", "3333", "3333", ".33."]);
  expect(draw(rectangle([3, 4], [1, 1, 1, 2]))).toEqual(["....", ".11.", "...."]);
});
