import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { toolVersion } from "./tool-version.ts";

it.each(["autodiff", "core", "node", "web"])("is that of the package %s", (name) => {
  const file = new URL(`../../${name}/package.json`, import.meta.url);
  expect(toolVersion).toBe(JSON.parse(readFileSync(file, "utf8")).version);
});
