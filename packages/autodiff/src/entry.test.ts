import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { expect, it } from "vitest";

const source = new URL("./", import.meta.url).pathname;
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
);

/** What each file imports or exports from others of this package, types included. */
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(`${source}/${file}`, "utf8");
    const found = text.matchAll(/^(?:import|export)( type)?\s[^;"]*?from "(\.[^"]+)";/gms);
    const list = [...found].map(([, type, path]) => ({
      path: posix.join(posix.dirname(file), path as string),
      isType: type !== undefined,
    }));
    return [file, list];
  }),
);

/** All files that one loads, itself too. */
function reachable(from: string): Set<string> {
  const seen = new Set([from]);
  for (const file of seen) {
    for (const { path, isType } of imports.get(file) ?? []) {
      if (!isType) {
        seen.add(path);
      }
    }
  }
  return seen;
}

it("leaves training graphs to their own entry", () => {
  const loaded = [...reachable("index.ts")];
  expect(loaded.some((file) => file.startsWith("rules/"))).toBe(true);
  expect(loaded.filter((file) => file.startsWith("training-graph/"))).toEqual([]);
});
