import { readFile } from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { describe, expect, it, onTestFinished } from "vitest";
import { decode } from "fast-png";
import { hasBrowser, openPage } from "./support/open-page.ts";

const examples = new URL("../../examples", import.meta.url).pathname;

describe.skipIf(!hasBrowser)("examples/vite-page", () => {
  it("attacks a model in a page that Vite built, and hands the file out", async () => {
    const outDir = await mkdtemp(join(tmpdir(), "onnx-asma-example-"));
    onTestFinished(async () => await rm(outDir, { recursive: true, force: true }));
    await build({ root: `${examples}/vite-page`, logLevel: "error", build: { outDir } });
    const opened = await openPage({ root: outDir });
    onTestFinished(async () => await opened.close());
    const { page } = opened;
    await page.setInputFiles("[name=model]", `${examples}/pytorch/circles.onnx`);
    await page.setInputFiles("[name=image]", `${examples}/pytorch/scene.png`);
    await page.getByRole("button", { name: "Attack" }).click();
    const link = page.getByRole("link", { name: "adversarial.png" });
    await link.waitFor({ timeout: 100_000 });
    expect(await page.locator("output").textContent()).toMatch(/^reached, IoU 0\.9/);
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    expect(download.suggestedFilename()).toBe("adversarial.png");
    const { width, height, channels } = decode(await readFile(await download.path()));
    expect({ width, height, channels }).toEqual({ width: 96, height: 96, channels: 3 });
    expect(opened.complaints).toEqual([]);
  });
});
