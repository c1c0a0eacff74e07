import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import { renderSvg } from "../../packages/node/src/report/render-svg.ts";
import { filesOf, runJson, temporaryFolder } from "../support/run-cli.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Writes the pictures of the docs anew, from the whole attack of the demo. */
const isDrawing = process.env["SCREENSHOTS"] !== undefined;

/** The attack of `npm run demo`, into another folder. */
function demoArguments(out: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const [, command = ""] = (scripts["demo"] as string).split("onnx-asma.js ");
  return command.split(" ").map((word) => (word === "demo-output" ? out : word));
}

/** Writes a picture of the docs in 256 colours, which takes a quarter of the space. */
async function writeSmall(png: Uint8Array, name: string): Promise<void> {
  const path = join(root, "packages/node/package.json");
  const { default: sharp } = (await import(createRequire(path).resolve("sharp"))) as {
    default: (bytes: Uint8Array) => {
      flatten(options: object): {
        png(options: object): { toFile(file: string): Promise<unknown> };
      };
    };
  };
  await sharp(png)
    .flatten({ background: "white" })
    .png({ palette: true, quality: 90, effort: 8 })
    .toFile(join(root, "docs", name));
}

it("draws the demo", { timeout: 900_000 }, async () => {
  const out = join(temporaryFolder(), "out");
  const short = isDrawing ? [] : ["--iterations", "1"];
  const { code, object, stderr } = await runJson<ResultRecord>([...demoArguments(out), ...short], {
    cwd: root,
  });
  expect(code, stderr).toBe(isDrawing ? 0 : 3);
  expect(filesOf(object)).toEqual(
    expect.arrayContaining(["overview.png", "perturbation.png", "trajectory.svg"]),
  );
  const course = readFileSync(join(out, "trajectory.svg"), "utf8");
  expect(course).toContain(">optic-disc.onnx on retina.jpg<");
  if (isDrawing) {
    await writeSmall(readFileSync(join(out, "overview.png")), "overview.png");
    await writeSmall(readFileSync(join(out, "perturbation.png")), "perturbation.png");
    await writeSmall(renderSvg(course, { scale: 1.4 }), "trajectory.png");
  }
  // Those of the docs are drawn as these are.
  for (const name of ["overview", "perturbation"]) {
    const [made, shown] = [join(out, `${name}.png`), join(root, `docs/${name}.png`)].map((path) =>
      readFileSync(path).readUInt32BE(16),
    );
    expect(shown).toBe(made);
  }
});
