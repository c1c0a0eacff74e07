import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Page, Worker } from "playwright-core";
import { golden } from "../support/golden-scene.ts";
import { hasFocus, pick, save, tabTo } from "./support/by-keyboard.ts";
import { drop, fileAt, mask, onnx, picture, textFile } from "./support/dropped.ts";
import { findViolations } from "./support/find-violations.ts";
import {
  hasReached,
  inPhase,
  isReady,
  openDemo,
  problemAt,
  statusOf,
  unfold,
  waitForStatus,
  wrongFields,
  type OpenDemo,
} from "./support/open-demo.ts";
import { hasBrowser } from "./support/open-page.ts";

/** The page with a model of three classes on a picture of 76×76 pixels, of which it gives labels to 36×36. */
async function openSmall(viewport = { width: 1280, height: 900 }): Promise<OpenDemo> {
  const opened = await openDemo();
  const { page } = opened;
  await page.setViewportSize(viewport);
  await isReady(page);
  await drop(page, [await fileAt(golden("unet3.onnx")), picture(76)]);
  await waitForStatus(page, "Ready: unet3.onnx on picture.png");
  return opened;
}

/** Starts an attack that does not end by itself. */
async function startEndless(page: Page): Promise<void> {
  await unfold(page);
  await page.fill("#threshold", "1");
  await page.fill("#iterations", "10000");
  await page.focus("#start");
  await page.keyboard.press("Enter");
  await hasReached(page, 1);
}

const textOf = async (page: Page, selector: string) => (await page.textContent(selector)) ?? "";

/** The pixels of a canvas, as one text. */
const pixelsOf = async (page: Page, id: string) =>
  await page.$eval(`#${id}`, (canvas) => (canvas as HTMLCanvasElement).toDataURL());

/** Waits until a canvas shows something else. */
async function hasChanged(page: Page, id: string, before: string): Promise<void> {
  await page.waitForFunction(
    ([name, old]) => (document.getElementById(name) as HTMLCanvasElement).toDataURL() !== old,
    [id, before] as const,
  );
}

/** Lets the worker of the attack compute nothing more, as a large model would for minutes. */
function block(page: Page): void {
  const worker = page.workers().findLast((w) => /attack-worker/.test(w.url())) as Worker;
  const endless = worker.evaluate(() => {
    for (;;) {
      // Until it is ended.
    }
  });
  endless.catch(() => undefined);
}

describe.skipIf(!hasBrowser)("the page of the demo", () => {
  let opened: OpenDemo;
  let page: Page;
  beforeAll(async () => {
    opened = await openSmall();
    ({ page } = opened);
  });
  afterAll(async () => {
    await opened.close();
  });

  // What one test finds wrong is no matter of the next.
  afterEach(async () => {
    await page.keyboard.press("Escape");
    await page.locator("body:not([data-phase=running])").waitFor();
  });

  it("goes from model to target to start, says in three sentences what happens, and leads on", async () => {
    expect(await page.locator("main h2").allTextContents()).toEqual([
      "1 Model and picture",
      "Picture",
      "2 Target",
      "3 Start",
      "Result",
    ]);
    const said = (await textOf(page, ".intro p")).trim().replace(/\s+/g, " ");
    expect(said.split(/(?<=\.) /).length).toBe(3);
    expect(said).toMatch(/until the model draws the target .*IoU says .*L2 says/);
    const links = await page.$$eval(".intro a", (all) =>
      all.map((a) => (a as HTMLAnchorElement).href),
    );
    expect(links).toEqual([
      "https://arxiv.org/abs/1907.13124",
      "https://github.com/onnx-asma/onnx-asma#readme",
    ]);
  });

  it("says per class what the model draws before any attack, and warns where it is one class only", async () => {
    expect(await textOf(page, "#clean")).toMatch(
      /^On the untouched image the model draws class \d .*%/,
    );
    expect(await textOf(page, "#remarks")).toMatch(
      /one class only .* “Pixel values for the model”/,
    );
  });

  it("shows before and after only once there is an after", async () => {
    expect(await page.locator("#split:visible, .tag:visible").count()).toBe(0);
    await startEndless(page);
    expect(await page.locator("#split:visible, .tag:visible").count()).toBe(3);
    await page.keyboard.press("Escape");
    await isReady(page);
    expect(await page.locator("#split:visible, .tag:visible").count()).toBe(3);
  });

  it("keeps the focus from start to end, which Escape brings on", async () => {
    await startEndless(page);
    expect(await hasFocus(page, "#start")).toBe(true);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await waitForStatus(page, "Paused at step");
    expect(await hasFocus(page, "#pause")).toBe(true);
    await page.keyboard.press("Escape");
    await isReady(page);
    expect(await hasFocus(page, "#pause")).toBe(true);
    expect(await textOf(page, "#verdict")).toMatch(/It was stopped\.$/);
  });

  it("keeps target and options as they are while an attack runs", async () => {
    const [x, target] = [await page.inputValue("#x"), await pixelsOf(page, "draft")];
    await startEndless(page);
    expect(await page.locator(".frozen:visible").count()).toBe(1);
    for (const field of ["kind", "x", "threshold", "attack", "model-file", "normalisation"]) {
      expect(await page.isDisabled(`#${field}`), field).toBe(true);
    }
    await page.click("#draft", { position: { x: 40, y: 40 }, force: true });
    await page.keyboard.press("ArrowLeft");
    await drop(page, [picture(76, "another.png")]);
    expect(await statusOf(page)).toBe("An attack is running: stop it first.");
    expect(await page.inputValue("#x")).toBe(x);
    expect(await pixelsOf(page, "draft")).toBe(target);
    await page.keyboard.press("Escape");
    await isReady(page);
    expect(await page.isDisabled("#kind")).toBe(false);
    await page.click("#draft", { position: { x: 40, y: 40 } });
    await hasChanged(page, "draft", target);
    expect(await page.inputValue("#x")).not.toBe(x);
  });

  it("says at the end by how much the picture changed and what the model draws now", async () => {
    expect(await textOf(page, "#change")).toMatch(
      /^The picture (changed by at most [\d.]+ of 255 levels .*|did not change)\. The model now draws class \d .* %\.$/,
    );
  });

  it("stops at once where a step takes too long, and goes on with a fresh worker", async () => {
    await startEndless(page);
    block(page);
    await page.click("#stop");
    expect(await textOf(page, "#stop")).toBe("Stop at once");
    await page.click("#stop");
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    expect(await wrongFields(page)).toEqual([]);
    expect(await hasFocus(page, "#stop")).toBe(true);
    await startEndless(page);
    await page.keyboard.press("Escape");
    await isReady(page);
  });

  it("draws curves with axes, their last value, the one kept, and a goal only where one was set", async () => {
    await startEndless(page);
    await page.keyboard.press("Escape");
    await isReady(page);
    const captions = page.locator("#curves figcaption");
    const curves = page.locator("#curves figure");
    expect(await captions.nth(0).textContent()).toMatch(
      /^IoU \d+\.\d\d %(, kept \d+\.\d\d % of step \d+)?, goal 100 %$/,
    );
    expect(await captions.nth(1).textContent()).toMatch(/^Pixel accuracy \d+\.\d\d %(, kept .*)?$/);
    expect(await curves.locator(".goal").count()).toBe(1);
    expect(await curves.nth(0).locator("text").allTextContents()).toEqual(
      expect.arrayContaining(["0 %", "50 %", "100 %", "0", "step"]),
    );
    expect(await curves.nth(0).locator("svg").getAttribute("aria-label")).toMatch(
      /^IoU: \S+ % at step 0, \S+ % at step \d+; goal 100 %$/,
    );
    expect(await curves.locator("circle:not(.best)").count()).toBe(4);
    expect(await curves.locator("circle.best").count()).toBe(4);
    await page.selectOption("#attack", "pgd");
    await startEndless(page);
    await page.keyboard.press("Escape");
    await isReady(page);
    // The budget of an attack that has one.
    expect(await captions.nth(3).textContent()).toMatch(/^L∞ .*, at most 0\.0314$/);
    await page.selectOption("#attack", "asma");
  });

  it("shows the change by its size or its sign, with a scale", async () => {
    const before = await pixelsOf(page, "perturbation");
    expect(await textOf(page, "#perturbation-caption")).toMatch(/levels of 255/);
    expect(await textOf(page, "#scale-low")).toBe("1");
    await page.selectOption("#change-style", "signed");
    await hasChanged(page, "perturbation", before);
    expect(await textOf(page, "#perturbation-caption")).toMatch(
      /amplified \S+ times; \d\.\d % of the changed values go beyond the scale/,
    );
    await page.selectOption("#change-style", "size");
  });

  it("shows the value of each slider beside it", async () => {
    await page.focus("#x");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await textOf(page, "output[for=x]")).toBe("1 %");
    expect(await page.getAttribute("#x", "aria-valuetext")).toBe("1 %");
    await page.fill("#x", "50");
    await page.fill("#y", "50");
  });

  it("hides what is drawn over the picture, and shows it again", async () => {
    const opacity = (id: string) => page.$eval(id, (e) => getComputedStyle(e).opacity);
    await page.uncheck("#overlay");
    expect(await opacity("#before-labels")).toBe("0");
    expect(await opacity("#draft")).toBe("0");
    expect(await opacity("#before")).toBe("1");
    await page.check("#overlay");
    expect(await opacity("#before-labels")).toBe("1");
  });

  it("zooms by buttons, keys, wheel and two fingers, and paints where it is seen", async () => {
    const zoom = async () => Number.parseFloat(await textOf(page, "#zoom"));
    const whole = await pixelsOf(page, "before");
    await page.click("#zoom-in");
    expect(await zoom()).toBe(2);
    await hasChanged(page, "before", whole);
    const middle = await pixelsOf(page, "before");
    await page.focus("#draft");
    await page.keyboard.press("Shift+ArrowRight");
    await hasChanged(page, "before", middle);
    await page.keyboard.press("+");
    expect(await zoom()).toBe(4);
    await page.keyboard.press("-");
    expect(await zoom()).toBe(2);
    await page.keyboard.press("0");
    expect(await zoom()).toBe(1);
    const box = await page.locator("#draft").boundingBox();
    const [left, top, side] = [box?.x ?? 0, box?.y ?? 0, box?.width ?? 0];
    await page.mouse.move(left + side / 4, top + side / 4);
    await page.mouse.wheel(0, -300);
    await page.waitForFunction(() => document.querySelector("#zoom")?.textContent === "2×");
    // Half as much of the picture is seen, and the place under the mouse stayed: 12.5 % to 62.5 %.
    await page.mouse.click(left + 1, top + side / 2);
    expect(Number(await page.inputValue("#x"))).toBeCloseTo(12.5, -1);
    await page.mouse.click(left + side - 1, top + side / 2);
    expect(Number(await page.inputValue("#x"))).toBeCloseTo(62.5, -1);
    await page.keyboard.press("0");
    await page.evaluate(
      ([x, y, far]) => {
        const canvas = document.querySelector("#draft") as HTMLCanvasElement;
        canvas.setPointerCapture = () => undefined;
        const touch = (type: string, pointerId: number, clientX: number) =>
          canvas.dispatchEvent(
            new PointerEvent(type, { pointerId, clientX, clientY: y, pointerType: "touch" }),
          );
        touch("pointerdown", 11, x - far / 8);
        touch("pointerdown", 12, x + far / 8);
        touch("pointermove", 12, x + (3 * far) / 8);
        touch("pointerup", 11, 0);
        touch("pointerup", 12, 0);
      },
      [left + side / 2, top + side / 2, side] as const,
    );
    expect(await zoom()).toBe(2);
    await page.click("#zoom-fit");
    expect(await zoom()).toBe(1);
    await page.fill("#x", "50");
    await page.fill("#y", "50");
  });

  it("aims at a mask from a file, and says beside it what is wrong with one", async () => {
    await page.selectOption("#kind", "mask");
    expect(await textOf(page, "#mask-hint")).toMatch(
      /^Labels 0 to 2: 0 class 0, 1 class 1, 2 class 2\./,
    );
    await page.setInputFiles("#mask-file", mask(75, 1, "small.png"));
    await waitForStatus(page, "The target is small.png.");
    expect(await problemAt(page, "mask-file")).toMatch(/75/);
    // One that fits mends it, dropped onto its field.
    await drop(page, [mask(76, 1)], "#fields-mask");
    await waitForStatus(page, "The target is mask.png.");
    await page.locator("#mask-file-problem").waitFor({ state: "hidden" });
    await startEndless(page);
    await page.keyboard.press("Escape");
    await isReady(page);
    // It is read again for a model of other classes.
    await drop(page, [await fileAt(golden("unet-legacy.onnx")), picture(92)]);
    expect(await problemAt(page, "mask-file")).toMatch(/76/);
    await page.selectOption("#kind", "disc");
    await page.locator("#mask-file-problem").waitFor({ state: "hidden" });
  });

  it("names classes as a config.json or the field says, and goes back to the bundled model", async () => {
    const config = { id2label: { 0: "ground", 1: "cup", 2: "disc" } };
    await drop(page, [
      await fileAt(golden("unet3.onnx")),
      picture(76),
      textFile("config.json", JSON.stringify(config)),
    ]);
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    expect(await page.locator("#class option").allTextContents()).toEqual(["cup", "disc"]);
    expect(await page.locator("#legend li").allTextContents()).toEqual(["cup", "disc", "target"]);
    await page.selectOption("#class", "2");
    await page.fill("#class-names", "a, b");
    await page.keyboard.press("Tab");
    expect(await problemAt(page, "class-names")).toMatch(/class names|classes/);
    expect(await page.getAttribute("#class-names", "aria-invalid")).toBe("true");
    await inPhase(page, "failed");
    await page.fill("#class-names", "a, b, disc");
    await page.keyboard.press("Tab");
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    expect(await wrongFields(page)).toEqual([]);
    expect(await page.getAttribute("#class-names", "aria-invalid")).toBeNull();
    // The class that was chosen stays so by its name.
    expect(await page.inputValue("#class")).toBe("2");
    await page.focus("#bundled");
    await page.keyboard.press("Enter");
    await waitForStatus(page, "Ready: optic-disc.onnx on retina.jpg");
    expect(await textOf(page, "#chosen")).toBe("optic-disc.onnx on retina.jpg, both bundled");
    expect(await page.isVisible("#bundled")).toBe(false);
    expect(await page.inputValue("#class-names")).toBe("");
    expect(await hasFocus(page, "#start")).toBe(true);
  });

  it("shows that a long first prediction goes on, and lets it be cancelled", async () => {
    await drop(page, [await fileAt(golden("unet3.onnx")), picture(76)]);
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    for (const leave of ["Cancel", "Escape"]) {
      block(page);
      await page.setInputFiles("#image-file", picture(76, "slow.png"));
      await inPhase(page, "loading");
      await page.locator("#loading:visible").waitFor();
      await page.waitForFunction(() =>
        /\d s/.test(document.querySelector("#elapsed")?.textContent ?? ""),
      );
      if (leave === "Cancel") {
        await page.focus("#cancel");
        await page.keyboard.press("Enter");
      } else {
        await page.keyboard.press("Escape");
      }
      await waitForStatus(page, "Ready: unet3.onnx on picture.png");
      expect(await textOf(page, "#chosen")).toBe("unet3.onnx on picture.png");
      expect(await page.isVisible("#loading")).toBe(false);
      expect(await page.evaluate(() => document.activeElement !== document.body)).toBe(true);
    }
    await startEndless(page);
    await page.keyboard.press("Escape");
    await isReady(page);
  });

  it("wrote nothing to the console", () => {
    expect(opened.complaints).toEqual([]);
  });
});

describe.skipIf(!hasBrowser)("the page while nothing is there yet", () => {
  it("can leave the first load, says that nothing is loaded, and loads it after all", async () => {
    let isHeld = true;
    const opened = await openDemo({
      intercept: (path) => (isHeld && path.endsWith(".onnx") ? true : undefined),
    });
    const { page } = opened;
    await waitForStatus(page, "Loading");
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    expect(await problemAt(page, "model-file")).toMatch(/optic-disc\.onnx is not loaded/);
    await inPhase(page, "failed");
    expect(await page.getAttribute("#start", "aria-disabled")).toBe("true");
    isHeld = false;
    await page.click("#model-file-problem button");
    await isReady(page);
    expect(await wrongFields(page)).toEqual([]);
    await opened.close();
  });
});

describe.skipIf(!hasBrowser).each([
  ["at a desk", { width: 1280, height: 900 }],
  ["on a phone of 360 pixels", { width: 360, height: 780 }],
] as const)("by keyboard alone, %s", (_, viewport) => {
  it("goes from the files to the download", async () => {
    const opened = await openDemo();
    const { page } = opened;
    // Who listens from the start gets the list of files too: otherwise a key may come before the ear.
    page.on("filechooser", () => undefined);
    await page.setViewportSize(viewport);
    await isReady(page);
    await tabTo(page, "#own > summary");
    await page.keyboard.press("Enter");
    await tabTo(page, "#model-file");
    await pick(page, [await fileAt(golden("unet3.onnx")), picture(76)]);
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    expect(await hasFocus(page, "#model-file")).toBe(true);
    await tabTo(page, "#draft");
    const x = Number(await page.inputValue("#x"));
    await page.keyboard.press("ArrowRight");
    expect(Number(await page.inputValue("#x"))).toBe(x + 1);
    await tabTo(page, "#kind");
    await page.keyboard.press("ArrowDown");
    expect(await page.inputValue("#kind")).toBe("rectangle");
    await tabTo(page, "#options > summary");
    await page.keyboard.press("Enter");
    await tabTo(page, "#threshold");
    await page.keyboard.type("1");
    await tabTo(page, "#iterations");
    await page.keyboard.type("3");
    await tabTo(page, "#start", "Shift+Tab");
    await page.keyboard.press("Enter");
    await waitForStatus(page, "Not reached in 3 steps");
    expect(await hasFocus(page, "#start")).toBe(true);
    await tabTo(page, "#save-png");
    const bytes = await readFile(await save(page));
    expect(bytes.subarray(1, 4).toString("latin1")).toBe("PNG");
    await tabTo(page, "#save-json");
    const report = JSON.parse(await readFile(await save(page), "utf8"));
    expect(report.options.iterations).toBe(3);
    expect(report.model.file).toBe("unet3.onnx");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
    expect(opened.complaints).toEqual([]);
    await opened.close();
  });
});

describe.skipIf(!hasBrowser)("the page for everybody", () => {
  it.each([
    ["at a desk", { width: 1280, height: 900 }],
    ["on a phone", { width: 360, height: 780 }],
  ] as const)("has no finding by axe in any state, light and dark, %s", async (_, viewport) => {
    const opened = await openSmall(viewport);
    const { page } = opened;
    const check = async (state: string) => {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await findViolations(page), `${state}, ${colorScheme}`).toEqual([]);
      }
    };
    await check("folded");
    await unfold(page);
    await check("ready");
    for (const kind of ["paint", "hide", "move", "other", "mask", "disc"]) {
      await page.selectOption("#kind", kind);
      await check(`a target of the kind ${kind}`);
    }
    await startEndless(page);
    await page.click("#pause");
    await waitForStatus(page, "Paused at step");
    await check("running");
    await page.keyboard.press("Escape");
    await isReady(page);
    await check("done");
    await page.fill("#threshold", "2");
    await page.click("#start");
    await problemAt(page, "threshold");
    await drop(page, [textFile("broken.onnx", "nothing of the kind", onnx)]);
    await problemAt(page, "model-file");
    await check("failed");
    await opened.close();
  });

  it("is short on a small screen: folded, with start and stop always at hand", async () => {
    const opened = await openDemo();
    const { page } = opened;
    await page.setViewportSize({ width: 360, height: 780 });
    await page.reload();
    await isReady(page);
    expect(await page.locator("details[open]").count()).toBe(0);
    const inView = async (selector: string) => {
      const box = await page.locator(selector).boundingBox();
      return box !== null && box.y >= 0 && box.y + box.height <= 780;
    };
    for (const at of [0, 600, 10_000]) {
      await page.evaluate((y) => scrollTo(0, y), at);
      expect(await inView("#start"), `${at}`).toBe(true);
      expect(await inView("#status"), `${at}`).toBe(true);
    }
    await page.evaluate(() => scrollTo(0, 0));
    // Half of the picture is seen without scrolling.
    const picture = await page.locator("#compare").boundingBox();
    expect((picture?.y ?? 780) + (picture?.height ?? 0) / 2).toBeLessThan(640);
    await page.click("#start");
    await hasReached(page, 0);
    expect(await page.isVisible("#target-fields")).toBe(false);
    await page.keyboard.press("Escape");
    await isReady(page);
    expect(await page.isVisible("#target-fields")).toBe(true);
    await opened.close();
  });
});
