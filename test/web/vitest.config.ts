import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/web/**/*.test.ts"],
    globalSetup: new URL("global-setup.ts", import.meta.url).pathname,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One browser at a time: they share the processor with the attacks they run.
    fileParallelism: false,
    pool: "forks",
  },
});
