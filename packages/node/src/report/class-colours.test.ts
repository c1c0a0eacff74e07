import { expect, it } from "vitest";
import { classColour } from "../images/palette.ts";
import { classesIn, colourFrom } from "./class-colours.ts";

const map = (...labels: number[]) => ({
  data: Int32Array.from(labels),
  dims: [1, labels.length] as const,
});

it("names the classes that occur anywhere, none that does not, each in its own colour", () => {
  const names = ["background", "disc", "cup", "vessel"];
  const classes = classesIn([map(0, 0, 3), map(0, -1, 1), map(3, 3, 0)], names);
  expect(classes).toEqual([
    { label: 0, name: "background", colour: classColour(0) },
    { label: 1, name: "disc", colour: classColour(1) },
    { label: 3, name: "vessel", colour: classColour(3) },
  ]);
  expect(classesIn([map(5)], ["a", "b"])[0]?.name).toBe("class 5");
});

it("gives the classes that cover most the colours that differ most, where there are many", () => {
  const names = Array.from({ length: 150 }, (_, c) => `class ${c}`);
  const classes = classesIn([map(17, 140, 140, 140, 9), map(17, 9, 9, 9, 9)], names);
  expect(classes.map(({ label }) => label)).toEqual([9, 140, 17]);
  const colourOf = colourFrom(classes);
  expect([9, 140, 17].map(colourOf)).toEqual([0, 1, 2].map(classColour));
  expect(colourOf(20)).toEqual(classColour(20));
});
