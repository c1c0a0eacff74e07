import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import type { TestProject } from "vitest/node";
import { findChromium } from "./support/chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the browser; empty where none can be had. */
    chromium: string;
    /** Folder of the built test page. */
    site: string;
    /** Folder of the built demo. */
    demo: string;
  }
}

/** Finds a browser and builds the test page as an application of the package would be. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chromium = findChromium();
  if (chromium === undefined) {
    process.stderr.write(
      "SKIPPED: no Chromium can be installed here, so no browser test runs. Set CHROMIUM to its path.\n",
    );
  }
  const site = await mkdtemp(join(tmpdir(), "onnx-asma-web-"));
  project.provide("chromium", chromium ?? "");
  project.provide("site", site);
  const demo = join(site, "demo");
  project.provide("demo", demo);
  if (chromium !== undefined) {
    await build({
      root: new URL("page", import.meta.url).pathname,
      logLevel: "error",
      build: { outDir: site, emptyOutDir: true, target: "es2023" },
    });
    await build({
      configFile: new URL("../../packages/web/demo/vite.config.ts", import.meta.url).pathname,
      logLevel: "error",
      build: { outDir: demo },
    });
  }
  return async () => await rm(site, { recursive: true, force: true });
}
