import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, models, openPage } from "./support/open-page.ts";

/** `pnpm test:packages`: installs from the registry, so that it is not part of the tests. */
const isWanted = process.env["PACKAGES"] !== undefined;

const root = new URL("../..", import.meta.url).pathname;
const names = ["autodiff", "core", "node", "web"] as const;

function run(command: string, args: readonly string[], cwd = root): string {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: "pipe" });
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause });
  }
}

describe.skipIf(!isWanted)("the packed packages", { timeout: 600_000 }, () => {
  let folder: string;
  const tarball = (name: string) => join(folder, `onnx-asma-${name}-0.1.0.tgz`);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onnx-asma-packages-"));
    for (const name of names) {
      run(
        "npx",
        ["--yes", "pnpm@10", "pack", "--pack-destination", folder],
        `${root}/packages/${name}`,
      );
    }
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it.each(names)("%s: exports and types are found by all tools", (name) => {
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

  it.skipIf(!hasBrowser)("run the README's lines in a fresh Vite application", async () => {
    const app = join(folder, "app");
    await mkdir(app);
    const tarballs = Object.fromEntries(
      names.map((name) => [`@onnx-asma/${name}`, `file:${tarball(name)}`]),
    );
    const { "@onnx-asma/node": _, ...needed } = tarballs;
    const dependencies = {
      "@onnx-asma/web": needed["@onnx-asma/web"],
      "onnxruntime-web": "1.30.0",
    };
    await writeFile(
      join(app, "package.json"),
      JSON.stringify({
        name: "app",
        private: true,
        type: "module",
        dependencies,
        pnpm: { overrides: needed },
      }),
    );
    await writeFile(join(app, "pnpm-workspace.yaml"), "packages: []\n");
    run("npx", ["--yes", "pnpm@10", "install", "--ignore-scripts"], app);
    const readme = await readFile(`${root}/packages/web/README.md`, "utf8");
    const [, code] = /```ts\n(import[\s\S]*?)```/.exec(readme) as unknown as [string, string];
    const before =
      'const file = await (await fetch("/retina.jpg")).blob();\nconst signal = AbortSignal.timeout(40_000);\n';
    const after =
      "Object.assign(globalThis, { done: { reached, iou: best.iou, device: attack.backend } });\n";
    await writeFile(join(app, "main.js"), code.replace("\n\n", `\n\n${before}`) + after);
    await writeFile(join(app, "index.html"), '<script type="module" src="./main.js"></script>\n');
    await build({
      root: app,
      logLevel: "error",
      worker: { format: "es" },
      build: { outDir: "dist", target: "es2023" },
    });
    const files = await readdir(join(app, "dist/assets"));
    expect(files.filter((name) => name.endsWith(".wasm")).length).toBe(2);
    await cp(`${models}/optic-disc.onnx`, join(app, "dist/model.onnx"));
    expect((await stat(join(app, "dist/index.html"))).isFile()).toBe(true);
    const opened = await openPage({ root: join(app, "dist") });
    await opened.page.waitForFunction(() => "done" in globalThis, undefined, { timeout: 200_000 });
    const done = await opened.page.evaluate(
      () => (globalThis as unknown as { done: { iou: number } }).done,
    );
    expect(opened.complaints.filter((text) => !/favicon|404/.test(text))).toEqual([]);
    await opened.close();
    expect(done.iou).toBeGreaterThan(0);
    expect(done).toMatchObject({ device: { device: "wasm" } });
  });
});
