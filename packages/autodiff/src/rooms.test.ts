import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { expect, it } from "vitest";

/** Folders and loose files, each of which imports from those before it and itself only. */
const rooms = [
  "errors.ts",
  "runtime.ts",
  "model",
  "graph",
  "rules",
  "expansions",
  "passes",
  "reverse-mode",
  "resolve",
  "check",
  "training-graph",
  "index.ts",
];

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

const roomOf = (file: string) => rooms.indexOf(file.split("/")[0] as string);

/** All files that one needs, itself too. */
function reachable(from: string, withTypes: boolean): Set<string> {
  const seen = new Set([from]);
  for (const file of seen) {
    for (const { path, isType } of imports.get(file) ?? []) {
      if (withTypes || !isType) {
        seen.add(path);
      }
    }
  }
  return seen;
}

it("has a room for every file", () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => roomOf(file) < 0)).toEqual([]);
});

it("has no arrow between rooms that runs back", () => {
  const back = files.flatMap((file) =>
    (imports.get(file) ?? [])
      .filter(({ path }) => roomOf(path) > roomOf(file))
      .map(({ path }) => `${file} → ${path}`),
  );
  expect(back).toEqual([]);
});

it("has no circle of imports", () => {
  const inCircle = files.filter((file) =>
    (imports.get(file) ?? []).some(({ path }) => reachable(path, true).has(file)),
  );
  expect(inCircle).toEqual([]);
});

it("leaves training graphs to their own entry", () => {
  const loaded = [...reachable("index.ts", false)];
  expect(loaded.some((file) => file.startsWith("rules/"))).toBe(true);
  expect(loaded.filter((file) => file.startsWith("training-graph/"))).toEqual([]);
});
