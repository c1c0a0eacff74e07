import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageFolders, packPackages, run } from "../support/packed-packages.ts";

/** `npm run test:packages`: installs from the registry, so that it is not part of the tests. */
const isWanted = process.env["PACKAGES"] !== undefined;

const examples = new URL("../../examples", import.meta.url).pathname;

/** Uses something of every entry, with types, in a project of its own. */
const program = `
import { defineAttack, describeOptions, disc, encodeNpy, encodePng, hideClass, loadModel, readImage, readMask, registerAttack, toNdarray, writePng, type AttackResult } from "@onnx-asma/node";
import { main } from "@onnx-asma/node/cli";
import { differentiate, Model, readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import { importTrainingGraph } from "@onnx-asma/autodiff/training-graph";
import * as core from "@onnx-asma/core";
ENTRIES
import { loadModel as loadInPage, type LoadedModel } from "@onnx-asma/web";
import "@onnx-asma/web/worker";

export async function attack(): Promise<AttackResult> {
  const model = await loadModel("model.onnx", { mean: [0.5] });
  const image = await model.readImage("image.png");
  const target = disc([96, 96], [48, 48], 20);
  const run = await model.attack(image, target, { attack: "pgd", epsilon: 0.1 });
  const result = await run.result;
  const value: number = toNdarray(result.best.image).get(0, 0, 0, 0);
  const bytes: Uint8Array = encodePng(result.best.image);
  const { reached }: { reached: boolean } = await model.verify(bytes, target, { original: image });
  console.log(value, reached, hideClass(await model.predict(image), 1).dims);
  return result;
}

export async function inPage(file: Blob): Promise<LoadedModel> {
  return await loadInPage(file as File);
}

export const rest = [defineAttack, describeOptions, encodeNpy, readImage, readMask, registerAttack, writePng, main, differentiate, Model, readModel, resolve, writeModel, importTrainingGraph, core];
`;

describe.skipIf(!isWanted)("the packed packages, installed", { timeout: 600_000 }, () => {
  let folder: string;
  let app: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "onnx-asma-install-"));
    const tarball = packPackages(packageFolders, folder);
    app = join(folder, "app");
    mkdirSync(app);
    const manifest = { name: "app", private: true, type: "module" };
    writeFileSync(join(app, "package.json"), JSON.stringify(manifest));
    copyFileSync(`${examples}/pytorch/circles.onnx`, join(app, "model.onnx"));
    copyFileSync(`${examples}/pytorch/scene.png`, join(app, "scan.png"));
    // As the README says; the tarballs stand for packages of the registry.
    const start = performance.now();
    const packages = [...packageFolders.map(tarball), "onnxruntime-node", "onnxruntime-web"];
    run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], app);
    const seconds = (performance.now() - start) / 1000;
    const size = run("du", ["-sm", join(app, "node_modules")]).split("\t")[0];
    console.log(`npm install: ${seconds.toFixed(0)} s, ${size} MB`);
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(["5.6", "5.7", "5.8", "5.9", "6.0"])("TypeScript %s, strict", (version) => {
    let compiler: string;
    beforeAll(() => {
      compiler = join(folder, `typescript-${version}`);
      run("npm", ["install", "--prefix", compiler, `typescript@~${version}.0`], folder);
    });

    it.each([
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ])("compiles with module %s, moduleResolution %s, checking libraries", (module, resolution) => {
      const { exports } = JSON.parse(
        run("cat", [join(app, "node_modules/@onnx-asma/core/package.json")]),
      ) as { readonly exports: Readonly<Record<string, unknown>> };
      const entries = Object.keys(exports)
        .filter((entry) => entry !== "." && !entry.endsWith(".json"))
        .map(
          (entry, i) => `import * as e${i} from "@onnx-asma/core${entry.slice(1)}"; void e${i};`,
        );
      writeFileSync(join(app, "program.ts"), program.replace("ENTRIES", entries.join("\n")));
      const tsc = join(compiler, "node_modules/typescript/bin/tsc");
      const options = `--noEmit --strict --skipLibCheck false --target es2022 --module ${module} --moduleResolution ${resolution}`;
      expect(run(process.execPath, [tsc, ...options.split(" "), "program.ts"], app)).toBe("");
    });
  });

  describe("Node", () => {
    const attack = `
      const model = await loadModel("model.onnx");
      const image = await model.readImage("scan.png");
      const run = await model.attack(image, disc([96, 96], [48, 48], 20), { iterations: 2 });
      console.log((await run.result).best.step);
      await model.release();`;
    beforeAll(() => {
      writeFileSync(
        join(app, "import.js"),
        `import { disc, loadModel } from "@onnx-asma/node";${attack}`,
      );
      writeFileSync(
        join(app, "require.cjs"),
        `const { disc, loadModel } = require("@onnx-asma/node"); (async () => {${attack}})();`,
      );
    });

    const under = (version: string, ...args: string[]) =>
      run("npx", ["--yes", "-p", `node@${version}`, "node", ...args], app);

    it.each(["20.19", "22", "24"])("%s imports, requires, and has the command", (version) => {
      expect(under(version, "import.js").trim()).toMatch(/^\d$/);
      expect(under(version, "require.cjs").trim()).toMatch(/^\d$/);
      const command = ["node_modules/onnx-asma/bin/onnx-asma.js"];
      expect(under(version, ...command, "--version").trim()).toBe("0.1.0");
      const inspect = [...command, "inspect", "model.onnx", "scan.png"];
      expect(under(version, ...inspect)).toContain("On the untouched image the model draws");
    });

    it("18 is told which one is needed", () => {
      const sentence = /onnx-asma needs Node 20\.19 or newer, but this is Node 18/;
      const command = "node_modules/onnx-asma/bin/onnx-asma.js";
      expect(() => under("18", command, "--version")).toThrow(sentence);
      expect(() => under("18", "import.js")).toThrow(sentence);
    });

    it("runs the command by its name", () => {
      expect(run("npx", ["onnx-asma", "--version"], app).trim()).toBe("0.1.0");
    });
  });
});
