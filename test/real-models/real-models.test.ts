import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readImage } from "@onnx-asma/node";
import { encodePng } from "../support/png.ts";
import { runCli, runJson, temporaryFolder, expectFailure } from "../support/run-cli.ts";

const folder = fileURLToPath(new URL("models/", import.meta.url));
const file = (name: string): string => join(folder, name);

interface Result {
  readonly saved: { readonly iou: number; readonly pixelAccuracy: number };
}

/** What PP-OCR does to an image, and where it cuts its probabilities. */
const ocr = ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--border", "0.3"];

describe.skipIf(!existsSync(folder))("models that others ship", () => {
  it("make text vanish from a page", async () => {
    const out = join(temporaryFolder(), "out");
    const args = [
      file("text-detection.onnx"),
      await inColour("page.png"),
      "--hide",
      "1",
      "--iou",
      "1",
      ...ocr,
    ];
    const { code, object } = await runJson<Result>(["attack", ...args, "-o", out]);
    expect({ code, iou: object.saved.iou }).toEqual({ code: 0, iou: 1 });
  }, 600_000);

  it("make text appear in a photograph", async () => {
    const out = join(temporaryFolder(), "out");
    const where = ["--rectangle", "60,60,60,200", "--iou", "0.9"];
    const args = [file("text-detection.onnx"), file("astronaut.png"), ...where, ...ocr];
    const { code, object } = await runJson<Result>(["attack", ...args, "-o", out]);
    expect(code).toBe(0);
    expect(object.saved.iou).toBeGreaterThanOrEqual(0.9);
  }, 600_000);

  it("are refused by name where they compute in integers", async () => {
    const out = join(temporaryFolder(), "out");
    const args = [file("isnet-int8.onnx"), file("astronaut.png"), "--hide", "1", "-o", out];
    const expected = { exit: 4, code: "ERR_UNSUPPORTED_OPERATOR" };
    expect(await expectFailure(["attack", ...args], expected)).toMatch(/DynamicQuantizeLinear/);
  }, 600_000);

  it.runIf(process.env["ISNET"])(
    "lose the subject of a photograph",
    async () => {
      const out = join(temporaryFolder(), "out");
      const scale = ["--mean", "0.502", "--std", "1", "--iterations", "300"];
      const args = [file("isnet-fp16.onnx"), file("astronaut.png"), "--hide", "1", ...scale];
      const { stdout } = await runCli(["attack", ...args, "--threads", "0", "--json", "-o", out]);
      const { saved } = JSON.parse(stdout) as Result;
      expect(saved.pixelAccuracy).toBeGreaterThanOrEqual(0.9);
    },
    3_600_000,
  );
});

/** A grey picture as the RGB file that the model takes. */
async function inColour(name: string): Promise<string> {
  const { data, dims } = await readImage(file(name), { channels: 1 });
  const [height, width] = [dims[2] as number, dims[3] as number];
  const grey = Array.from(data, (v) => Math.round(v * 255)).flatMap((v) => [v, v, v]);
  const path = join(temporaryFolder(), name);
  writeFileSync(path, encodePng({ width, height, channels: 3, data: grey }));
  return path;
}
