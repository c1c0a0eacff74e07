import { expect, it } from "vitest";
import { classListOf, readModelConfig } from "./class-list.ts";

const named = (names: string) => classListOf({ metadata: new Map([["names", names]]) });

it.each([
  ["{0: 'person', 1: 'traffic light'}", ["person", "traffic light"]],
  [`{0: "driver's cab", 1: 'a: b, c'}`, ["driver's cab", "a: b, c"]],
  [String.raw`{0: 'it\'s', 2: 'x'}`, ["it's", "class 1", "x"]],
  [`{"0": "a", "1": "b"}`, ["a", "b"]],
  ["['a', 'b']", ["a", "b"]],
])("reads the names %s", (text, names) => {
  expect(named(text)?.names).toEqual(names);
});

it.each(["", "person", "{}", "[]", "a, b"])("reads none in %j", (text) => {
  expect(named(text)).toBeUndefined();
});

it("reads id2label and the class of the image processor from a config.json", () => {
  const config = { model_type: "upernet", id2label: { 1: "b", 0: "a" } };
  expect(readModelConfig(JSON.stringify(config), "config.json")).toEqual({
    classList: { names: ["a", "b"], source: "id2label in config.json" },
    processorType: "SegformerImageProcessor",
  });
});

it.each([
  "",
  "{",
  "[]",
  "null",
  '{"id2label": 3}',
  '{"id2label": {}}',
  '{"model_type": "toString"}',
])("finds nothing in %j", (text) => {
  expect(readModelConfig(text, "c")).toEqual({
    classList: undefined,
    processorType: undefined,
  });
});

it.each([
  [{ 1: "a", 2: "b", 3: "c" }, "(whose 3 keys are not 0 to 2, but 1, 2, 3)"],
  [{ 0: "a", 1: "b", 3: "c" }, "(whose 3 keys are not 0 to 2, but 0, 1, 3)"],
])("says of %j that the numbers have gaps", (id2label, text) => {
  const { classList } = readModelConfig(JSON.stringify({ id2label }), "config.json");
  expect(classList?.source).toBe(`id2label in config.json ${text}`);
});
