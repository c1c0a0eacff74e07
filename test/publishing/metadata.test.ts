import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { describe, expect, it } from "vitest";
import { packageFolders } from "../support/packed-packages.ts";

const root = new URL("../..", import.meta.url).pathname;
const repository = "https://github.com/onnx-asma/onnx-asma";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly homepage: string;
  readonly bugs: string;
  readonly license: string;
  readonly repository: { readonly url: string; readonly directory: string };
  readonly publishConfig: { readonly access: string };
  readonly engines: { readonly node: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const packages = packageFolders.map((folder) => {
  const text = readFileSync(`${root}packages/${folder}/package.json`, "utf8");
  return { folder, path: `${root}packages/${folder}`, manifest: JSON.parse(text) as Manifest };
});

describe.each(packages)("packages/$folder", ({ folder, path, manifest }) => {
  it("says what it is, where it comes from and whom to tell", () => {
    expect(manifest).toMatchObject({
      homepage: `${repository}#readme`,
      bugs: `${repository}/issues`,
      repository: { url: `git+${repository}.git`, directory: `packages/${folder}` },
      license: "MIT",
      publishConfig: { access: "public" },
      engines: { node: ">=20.19" },
      version: packages[0]?.manifest.version,
    });
    expect(manifest.description.length).toBeGreaterThan(40);
    expect(manifest.keywords).toContain("onnx");
    expect(readFileSync(`${path}/README.md`, "utf8")).toMatch(
      new RegExp(`^# ${manifest.name}\n[^]*npm install [^\n]*${manifest.name}`),
    );
  });

  it("has no command but onnx-asma", () => {
    const bin = folder === "onnx-asma" ? { "onnx-asma": "./bin/onnx-asma.js" } : undefined;
    expect(manifest.bin).toEqual(bin);
    expect(existsSync(`${path}/bin`)).toBe(bin !== undefined);
  });

  it("installs what its code and its types ask for, and nothing else", () => {
    const dist = existsSync(`${path}/dist`) ? "dist" : "bin";
    const files = readdirSync(`${path}/${dist}`, { recursive: true, encoding: "utf8" })
      // The benchmark is not published; the standalone folder holds everything.
      .filter((file) => /\.js$|\.d\.ts$/.test(file) && !/^(bench|standalone)\//.test(file));
    const texts = files.map((file) =>
      readFileSync(`${path}/${dist}/${file}`, "utf8").replaceAll(/\/\*\*[^]*?\*\//g, ""),
    );
    const asked = texts.flatMap((text) =>
      Array.from(
        text.matchAll(/(?:from|import|import\()\s*"((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^"]*)?"/g),
        ([, name = ""]) => name,
      ),
    );
    const installed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const outside = asked.filter((name) => !builtinModules.includes(name));
    expect(outside.filter((name) => !installed.includes(name))).toEqual([]);
    const isAsked = (name: string) => texts.some((text) => text.includes(name));
    // Of another package's types, of another package's peers.
    const handedOn = ["@types/ndarray", "onnxruntime-common", "onnxruntime-node"];
    expect(installed.filter((name) => !isAsked(name) && !handedOn.includes(name))).toEqual([]);
  });

  it("has types that TypeScript 5.6 can read: there, typed arrays have no parameter", () => {
    const typed = readdirSync(path, { recursive: true, encoding: "utf8" })
      .filter((file) => /^dist\/.*\.d\.ts$/.test(file))
      .filter((file) => /Array<ArrayBuffer/.test(readFileSync(`${path}/${file}`, "utf8")));
    expect(typed).toEqual([]);
  });
});

describe("an older Node", () => {
  const underNode = (version: string, module: string): string => {
    const script = `Object.defineProperty(process.versions, "node", { value: "${version}" }); await import(${JSON.stringify(module)});`;
    try {
      const args = ["--input-type=module", "-e", script];
      return execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      return (error as { readonly stderr: string }).stderr;
    }
  };
  const sentence =
    "onnx-asma needs Node 20.19 or newer, but this is Node 18.20.8: install a newer one (https://nodejs.org).";

  it("is told so by the command, and nothing else", () => {
    const command = `${root}packages/onnx-asma/bin/onnx-asma.js`;
    expect(underNode("18.20.8", command)).toBe(`${sentence}\n`);
  });

  it("is told so by the library", () => {
    expect(underNode("18.20.8", "@onnx-asma/node")).toContain(`Error: ${sentence}`);
    expect(underNode("20.18.1", "@onnx-asma/node")).toContain("this is Node 20.18.1");
  });

  it("is no newer one", () => {
    for (const version of ["20.19.0", "22.0.0", "24.1.0"]) {
      expect(underNode(version, "@onnx-asma/node/check-node")).toBe("");
    }
  });
});
