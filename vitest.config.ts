import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

/** The source of every entry of a package: `@onnx-asma/core/png` is `packages/core/src/png/index.ts`. */
function sourcesOf(name: string): Record<string, string> {
  const folder = new URL(`packages/${name}/`, import.meta.url);
  const { exports } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as {
    exports: Record<string, string | { readonly default: string }>;
  };
  return Object.fromEntries(
    Object.entries(exports)
      .flatMap(([entry, target]) => (typeof target === "string" ? [] : [[entry, target.default]]))
      .map(([entry = "", file = ""]) => [
        `@onnx-asma/${name}${entry.slice(1)}`,
        new URL(file.replace("/dist/", "/src/").replace(/\.js$/, ".ts"), folder).pathname,
      ])
      // The longer ones first: an alias also stands for what begins with it.
      .toSorted(([a = ""], [b = ""]) => b.length - a.length),
  );
}

export default defineConfig({
  resolve: {
    alias: { ...sourcesOf("autodiff"), ...sourcesOf("core"), ...sourcesOf("node") },
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    // They need a browser: `test:web`.
    exclude: [...configDefaults.exclude, "test/web/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // onnxruntime-node keeps process-wide state, so every file gets a process of its own.
    pool: "forks",
    // Two at least: most of a file's time is that of a child or of one core.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
