import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/run-cli.ts";

const root = new URL("../..", import.meta.url).pathname;

/** A copy of an example whose packages are those of this repository. */
function copyOf(name: string): string {
  const folder = join(temporaryFolder(), name);
  cpSync(`${root}examples/${name}`, folder, { recursive: true });
  symlinkSync(`${root}node_modules`, join(folder, "node_modules"));
  return folder;
}

/** A Python with numpy and Pillow: `PYTHON`, the system's, or one with them installed for this test. */
function findPython(): string | undefined {
  const has = (python: string) => spawnSync(python, ["-c", "import numpy, PIL"]).status === 0;
  const given = [process.env["PYTHON"], "python3"].filter((python) => python !== undefined);
  const found = given.find(has);
  if (found !== undefined) return found;
  const venv = temporaryFolder();
  const python = join(venv, "bin/python3");
  spawnSync("python3", ["-m", "venv", venv]);
  spawnSync(python, ["-m", "pip", "install", "--quiet", "numpy", "pillow"]);
  return existsSync(python) && has(python) ? python : undefined;
}

describe("examples", () => {
  it("pytorch: the commands, and the result in Python", { timeout: 300_000 }, () => {
    const folder = copyOf("pytorch");
    const python = findPython();
    let commands = readFileSync(join(folder, "commands.sh"), "utf8");
    const last = "python3 read_result.py result\n";
    expect(commands.endsWith(last)).toBe(true);
    if (python === undefined) {
      process.stderr.write(
        "SKIPPED: no Python with numpy and Pillow can be had to read results.\n",
      );
      commands = commands.slice(0, -last.length);
    }
    const path = [python === undefined ? "" : dirname(python), process.env["PATH"]];
    const { status, stdout, stderr } = spawnSync("sh", ["-e", "-c", commands], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, PATH: path.filter(Boolean).join(delimiter), NO_COLOR: "1" },
    });
    expect(status, stdout + stderr).toBe(0);
    // Without normalisation something else is drawn than PyTorch draws.
    expect(stdout.match(/circle .*? \((\d+) px\)/g)).toEqual([
      "circle 3.11 % (287 px)",
      "circle 7.50 % (692 px)",
    ]);
    // It is said at once, with what would fit.
    expect(stderr).toMatch(/made for other values than it is given: .* 6 % with --mean imagenet/);
    expect(existsSync(join(folder, "seen.png"))).toBe(true);
    if (python !== undefined) {
      const figures = [...stdout.matchAll(/^L(?:2|∞) +([\d.]+) +result.json: ([\d.]+)$/gm)];
      expect(figures.length).toBe(2);
      for (const [, own, recorded] of figures) {
        expect(Number(own)).toBeCloseTo(Number(recorded), 6);
      }
      expect(stdout).toMatch(/^circle +692 → \d+ pixels/m);
      expect(stdout).toMatch(/^reached$/m);
    }
  });

  it("node-script", { timeout: 200_000 }, () => {
    const folder = copyOf("node-script");
    const data = `${root}examples/pytorch`;
    const args = ["attack.js", `${data}/circles.onnx`, `${data}/scene.png`, "out.png"];
    const text = execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    expect(text).toContain("circle: 692 pixels");
    expect(text).toMatch(
      /^reached: IoU 0\.9\d\d, no pixel changed by more than \d+ of 255 levels$/m,
    );
    const { status, stderr } = spawnSync(process.execPath, ["attack.js", "none.onnx", "a", "b"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^ERR_FILE_NOT_FOUND: .*'none\.onnx'/),
    });
  });

  it.each(["node", "core"])("README of @onnx-asma/%s", { timeout: 200_000 }, (name) => {
    const folder = copyOf("node-script");
    copyFileSync(`${root}examples/pytorch/circles.onnx`, join(folder, "model.onnx"));
    copyFileSync(`${root}examples/pytorch/scene.png`, join(folder, "scan.png"));
    const readme = readFileSync(`${root}packages/${name}/README.md`, "utf8");
    const programs = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, code = ""]) => code);
    expect(programs.length).toBe(1);
    writeFileSync(join(folder, "readme.js"), `${programs[0]}\nconsole.log(best.step);\n`);
    const text = execFileSync(process.execPath, ["readme.js"], { cwd: folder, encoding: "utf8" });
    expect(text).toMatch(/^\d+$/m);
  });
});
