import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { unet, writeImage } from "../support/golden-scene.ts";
import { temporaryFolder } from "../support/run-cli.ts";

const packageOf = (path: string) =>
  fileURLToPath(new URL(`../../packages/node/${path}`, import.meta.url));
const cli = fileURLToPath(new URL("../../packages/onnx-asma/bin/onnx-asma.js", import.meta.url));
const strace = ["/usr/bin/strace", "/bin/strace"].find((path) => existsSync(path));

interface Traces {
  /** Files left where a home or temporary folder is. */
  readonly files: readonly string[];
  /** Addresses that were connected to; `undefined` where no strace tells. */
  readonly connects: readonly string[] | undefined;
}

/** Runs Node with a home of its own, without what would switch the telemetry off. */
async function tracesOf(args: readonly string[]): Promise<Traces> {
  const home = temporaryFolder();
  const log = join(temporaryFolder(), "strace");
  // Where CI is set, the runtime sends nothing.
  const { ORT_DISABLE_TELEMETRY: _1, CI: _2, ...others } = process.env;
  const watched = [process.execPath, ...args];
  const [command = "", ...rest] =
    strace === undefined ? watched : [strace, "-f", "-e", "trace=connect", "-o", log, ...watched];
  await promisify(execFile)(command, rest, {
    env: { ...others, HOME: home, TMPDIR: home, XDG_CACHE_HOME: join(home, ".cache") },
  }).catch((error: { readonly code: number }) => {
    // An attack that reaches nothing within its steps has a code of its own.
    expect(error.code).toBe(3);
  });
  const connects =
    strace === undefined
      ? undefined
      : (readFileSync(log, "utf8").match(/sa_family=AF_INET6?.*/g) ?? []);
  return { files: readdirSync(home), connects };
}

describe("telemetry of ONNX Runtime", () => {
  it("is there unless it is switched off", async () => {
    const runtime = pathToFileURL(
      createRequire(packageOf("package.json")).resolve("onnxruntime-node"),
    ).href;
    const script = `import ort from ${JSON.stringify(runtime)}; await ort.InferenceSession.create(${JSON.stringify(unet)});`;
    const { files } = await tracesOf(["--input-type=module", "-e", script]);
    // When this fails, the runtime may have stopped sending: then ours is not needed any more.
    expect(files).not.toEqual([]);
  });

  it("is off in whatever the command line does", async () => {
    const folder = temporaryFolder();
    const image = writeImage(folder);
    const out = join(folder, "out");
    const runs = [
      ["inspect", unet, "--shape", "image=1,3,92,92"],
      ["differentiate", unet, "--shape", "image=1,3,92,92", "-o", join(folder, "gradient.onnx")],
      ["predict", unet, image, "-o", join(folder, "prediction")],
      ["attack", unet, image, "--disc", "46,46,10", "--iterations", "2", "-o", out],
    ];
    for (const args of runs) {
      expect(await tracesOf([cli, ...args])).toEqual({
        files: [],
        connects: strace === undefined ? undefined : [],
      });
    }
  });

  it("is off for users of the library", async () => {
    const index = pathToFileURL(packageOf("dist/index.js")).href;
    const script = `import { loadModel } from ${JSON.stringify(index)}; await (await loadModel(${JSON.stringify(unet)})).describe([92, 92]);`;
    const { files } = await tracesOf(["--input-type=module", "-e", script]);
    expect(files).toEqual([]);
  });
});

describe.skipIf(strace === undefined)("the server of the demo", () => {
  it("listens on this machine alone, connects to nobody and leaves no file", async () => {
    const [home, site] = [temporaryFolder(), temporaryFolder()];
    const log = join(temporaryFolder(), "strace");
    writeFileSync(join(site, "index.html"), "<title>here</title>");
    const demo = fileURLToPath(new URL("../../packages/web/demo", import.meta.url));
    const vite = fileURLToPath(new URL("../../node_modules/vite/bin/vite.js", import.meta.url));
    const server = spawn(
      strace as string,
      // Its end is the end of what it watches.
      [
        "-f",
        "-I",
        "1",
        "-e",
        "trace=connect,bind",
        "-o",
        log,
        process.execPath,
        vite,
        "preview",
      ].concat([demo, "--configLoader", "runner", "--outDir", site, "--port", "4999"]),
      {
        env: { ...process.env, HOME: home, TMPDIR: home, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
      },
    );
    try {
      let said = "";
      for await (const chunk of server.stdout) {
        said += String(chunk);
        if (/localhost:\d+/.test(said)) break;
      }
      const [, port] = /localhost:(\d+)/.exec(said) ?? [];
      expect(await (await fetch(`http://localhost:${port}/`)).text()).toContain("here");
    } finally {
      const ended = once(server, "exit");
      process.kill(-(server.pid as number));
      await ended;
    }
    const calls = (name: string) =>
      readFileSync(log, "utf8").match(new RegExp(`${name}\\(.*sa_family=AF_INET6?.*`, "g")) ?? [];
    const isOutside = (call: string) => !/"(127\.0\.0\.1|::1)"/.test(call);
    expect(calls("connect").filter(isOutside)).toEqual([]);
    // Vite first tries for a moment whether anybody has the port, at whatever address; then it stays at one.
    expect(calls("bind").slice(-1).filter(isOutside)).toEqual([]);
    expect(calls("bind")).not.toEqual([]);
    expect(readdirSync(home)).toEqual([]);
  });
});
