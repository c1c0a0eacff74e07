import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, createLogger, createServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageFolders, packPackages, run } from "../support/packed-packages.ts";
import {
  hasBrowser,
  models,
  openPage,
  openUrl,
  type BrowserPage,
  type OpenOptions,
} from "./support/open-page.ts";

/** `pnpm test:packages`: installs from the registry, so that it is not part of the tests. */
const isWanted = process.env["PACKAGES"] !== undefined;

const root = new URL("../..", import.meta.url).pathname;

/** The data address is the favicon's. */
const policy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src 'self' data:; " +
  "object-src 'none'; base-uri 'none'";

/** The README's lines as a program that tells how it ended. */
async function readmeProgram(): Promise<string> {
  const readme = await readFile(`${root}/packages/web/README.md`, "utf8");
  const [first, second] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  const [imports, fiveLines] = (first as string).split("\n\n") as [string, string];
  expect(`${imports}\n${fiveLines}`.trim().split("\n").length).toBe(5);
  return [
    imports,
    'addEventListener("error", ({ message }) => Object.assign(globalThis, { done: message }));',
    'const file = await (await fetch("/retina.jpg")).blob();',
    fiveLines,
    "const { signal } = new AbortController();",
    second,
    "Object.assign(globalThis, { done: { iou: best.iou, reached, backend: model.backend } });\n",
  ].join("\n");
}

/** Waits for the program's end: a finished attack, no words on the console, no other site. */
async function check(opened: BrowserPage, requests: readonly string[], threads: number) {
  await opened.page.waitForFunction(() => "done" in globalThis, undefined, { timeout: 200_000 });
  const done = await opened.page.evaluate(() => (globalThis as unknown as { done: unknown }).done);
  const { origin } = new URL(opened.page.url());
  await opened.close();
  expect(done).toEqual({
    iou: expect.any(Number),
    reached: expect.any(Boolean),
    backend: expect.objectContaining({ device: "wasm", threads }),
  });
  expect((done as { iou: number }).iou).toBeGreaterThan(0);
  expect(opened.complaints).toEqual([]);
  const sites = requests.map((url) => new URL(url)).filter(({ protocol }) => protocol !== "data:");
  expect(new Set(sites.map((url) => url.origin))).toEqual(new Set([origin]));
  expect(sites.filter(({ pathname }) => pathname.endsWith(".wasm")).length).toBe(1);
}

/** Serves a folder as a careful host would, and waits for the program's end. */
async function checkServed(folder: string, folders: readonly string[] = []): Promise<void> {
  const requests: string[] = [];
  const opened = await openPage({
    root: folder,
    folders,
    headers: { "Content-Security-Policy": policy },
    onRequest: (url) => requests.push(url),
  });
  const processors = await opened.page.evaluate(() => navigator.hardwareConcurrency);
  await check(opened, requests, Math.min(8, processors));
}

describe.skipIf(!isWanted)("the packed packages", { timeout: 600_000 }, () => {
  let folder: string;
  let tarball: ReturnType<typeof packPackages>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onnx-asma-packages-"));
    tarball = packPackages(packageFolders, folder);
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it.each(packageFolders)("%s: exports and types are found by all tools", (name) => {
    run("npx", ["publint", tarball(name), "--strict"]);
    run("npx", ["attw", tarball(name), "--profile", "esm-only"]);
  });

  it("core takes at most 120 kB, compressed, without ONNX Runtime", async () => {
    const outDir = join(folder, "core");
    await build({
      logLevel: "error",
      build: {
        outDir,
        lib: { entry: `${root}/packages/core/dist/index.js`, formats: ["es"], fileName: "core" },
        minify: true,
      },
    });
    const bytes = gzipSync(await readFile(join(outDir, "core.js"))).length;
    console.log(`core: ${(bytes / 1000).toFixed(1)} kB gzip`);
    expect(bytes).toBeLessThan(120_000);
  });

  describe.skipIf(!hasBrowser)("run the README's lines in a fresh application", () => {
    let app: string;
    let publicFolder: string;
    const page = (script: string) =>
      `<!doctype html><link rel="icon" href="data:," /><script type="module" src="${script}"></script>\n`;

    beforeAll(async () => {
      app = join(folder, "app");
      publicFolder = join(app, "public");
      await mkdir(publicFolder, { recursive: true });
      await cp(`${models}/optic-disc.onnx`, join(publicFolder, "model.onnx"));
      await cp(`${models}/retina.jpg`, join(publicFolder, "retina.jpg"));
      const packed = Object.fromEntries(
        (["autodiff", "core", "web"] as const).map((name) => [
          `@onnx-asma/${name}`,
          `file:${tarball(name)}`,
        ]),
      );
      const manifest = {
        name: "app",
        private: true,
        type: "module",
        dependencies: {
          "@onnx-asma/web": packed["@onnx-asma/web"],
          "onnxruntime-web": "1.30.0",
          webpack: "^5.112.0",
          "webpack-cli": "^7.3.0",
        },
        pnpm: { overrides: packed },
      };
      await writeFile(join(app, "package.json"), JSON.stringify(manifest));
      await writeFile(join(app, "pnpm-workspace.yaml"), "packages: []\n");
      run("npx", ["--yes", "pnpm@10", "install", "--ignore-scripts"], app);
      await writeFile(join(app, "main.js"), await readmeProgram());
      await writeFile(join(app, "index.html"), page("./main.js"));
    });

    it("built by Vite", async () => {
      const outDir = join(app, "vite");
      await build({ root: app, configFile: false, logLevel: "error", build: { outDir } });
      const files = await readdir(join(outDir, "assets"));
      expect(files.filter((name) => name.endsWith(".wasm")).length).toBe(2);
      await checkServed(outDir);
    });

    it("served by Vite's development server", async () => {
      const warnings: string[] = [];
      const warn = (text: string): void => void warnings.push(text);
      const customLogger = { ...createLogger("error"), warn, warnOnce: warn };
      const server = await createServer({ root: app, configFile: false, customLogger });
      await server.listen(0);
      const requests: string[] = [];
      try {
        const [url] = server.resolvedUrls?.local as [string];
        const options: OpenOptions = { onRequest: (request) => requests.push(request) };
        // Not cross-origin isolated, as it comes.
        await check(await openUrl(url, options), requests, 1);
        expect(warnings).toEqual([]);
      } finally {
        await server.close();
      }
    });

    it("built by webpack", async () => {
      const out = join(app, "webpack");
      run(
        "npx",
        ["webpack", "--mode", "production", "--entry", "./main.js", "--output-path", out],
        app,
      );
      await writeFile(join(out, "index.html"), page("./main.js"));
      await checkServed(out, [publicFolder]);
    });

    it("without a bundler, from the standalone folder", async () => {
      const plain = join(folder, "plain");
      const standalone = join(app, "node_modules/@onnx-asma/web/dist/standalone");
      await cp(standalone, join(plain, "onnx-asma"), { recursive: true });
      const program = await readmeProgram();
      await writeFile(
        join(plain, "main.js"),
        program.replace('"@onnx-asma/web"', '"./onnx-asma/index.js"'),
      );
      await writeFile(join(plain, "index.html"), page("./main.js"));
      await checkServed(plain, [publicFolder]);
    });
  });
});
