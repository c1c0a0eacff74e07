import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page, Worker } from "playwright-core";
import { allAttacks, describeOptions } from "@onnx-asma/node";
import { golden } from "../support/golden-scene.ts";
import { drop, fileAt, picture, textFile } from "./support/dropped.ts";
import { keepDevices, loseDevice } from "./support/gpu-device.ts";
import {
  download,
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
import { hasBrowser, models } from "./support/open-page.ts";

/** The page takes a few steps: whatever went wrong before, it goes on. */
async function attackWorks(page: Page): Promise<void> {
  await isReady(page);
  await unfold(page);
  await page.fill("#iterations", "3");
  await page.fill("#threshold", "1");
  await page.click("#start");
  const ended = page.locator("#save-png:enabled, .problem:visible").first();
  await ended.waitFor({ timeout: 100_000 });
  expect(await wrongFields(page)).toEqual([]);
  expect(await statusOf(page)).toMatch(/^Not reached in 3 steps: .* goal 100 %/);
}

/** Nothing can be started. */
async function isOff(page: Page): Promise<void> {
  await inPhase(page, "failed");
  expect(await page.getAttribute("#start", "aria-disabled")).toBe("true");
}

/** What the page saves of the last attack. */
async function reportOf(page: Page) {
  return JSON.parse(await readFile(await download(page, "#save-json"), "utf8"));
}

/** The worker of the attack; those before may take a moment to end. */
function workerOf(page: Page): Worker {
  return page.workers().findLast((worker) => /attack-worker/.test(worker.url())) as Worker;
}

describe.skipIf(!hasBrowser)("what a user brings to the demo", () => {
  let opened: OpenDemo;
  let page: Page;
  beforeAll(async () => {
    opened = await openDemo();
    ({ page } = opened);
    await isReady(page);
    await unfold(page);
  });
  afterAll(async () => await opened.close());

  it("takes a dropped model with its picture, and offers its classes", async () => {
    await drop(page, [await fileAt(golden("unet3.onnx")), picture(76)]);
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    expect(await page.locator("#class option").count()).toBe(2);
    expect(await page.locator("#words").textContent()).toMatch(/an image of 76×76 pixels/);
    await attackWorks(page);
  });

  it.each(allAttacks())("runs $name with the options of its form", async (attack) => {
    await page.selectOption("#attack", attack.name);
    expect(await page.locator("#attack-summary").textContent()).toBe(attack.summary);
    const options = describeOptions(attack.options);
    expect(await page.locator("#attack-fields label span").allTextContents()).toEqual(
      options.map(({ description }) => description),
    );
    for (const { key, kind } of options) {
      expect(await page.locator(`#option-${key}`).count(), `${key}, a ${kind}`).toBe(1);
    }
    await attackWorks(page);
    const report = await reportOf(page);
    expect(report.attack.name).toBe(attack.name);
    expect(Object.keys(report.attack.options).toSorted()).toEqual(
      expect.arrayContaining(
        options.filter((option) => option.default !== undefined).map(({ key }) => key),
      ),
    );
    const curves = await page.locator("#trajectory svg[role=img]").all();
    const names = await page.locator("#trajectory figcaption strong").allTextContents();
    expect(curves.length).toBe(names.length);
    expect(names.slice(0, 4)).toEqual(["IoU", "Pixel accuracy", "L2", "L∞"]);
    expect(names.slice(4).toSorted()).toEqual(Object.keys(report.best.logs).toSorted());
  });

  it("takes what the form says, and names what is wrong with it", async () => {
    await page.selectOption("#attack", "pgd");
    await page.selectOption("#option-norm", "l2");
    await page.fill("#option-epsilon", "0.5");
    await page.check("#option-randomStart");
    await attackWorks(page);
    expect((await reportOf(page)).attack.options).toMatchObject({
      norm: "l2",
      epsilon: 0.5,
      randomStart: true,
    });
    await page.fill("#option-epsilon", "-1");
    await page.click("#start");
    expect(await problemAt(page, "option-epsilon")).toMatch(/^Expected >0 for “budget”/);
    expect(await wrongFields(page)).toEqual(["option-epsilon"]);
    expect(await statusOf(page)).toMatch(/^Not started/);
    await page.selectOption("#attack", "asma");
    expect(await wrongFields(page)).toEqual([]);
    await page.fill("#option-lossClasses", "1, 2");
    await attackWorks(page);
    expect((await reportOf(page)).attack.options).toMatchObject({ lossClasses: [1, 2] });
    await page.fill("#option-lossClasses", "");
  });

  it("shows what made an attack fail, and saves what it had come to", async () => {
    await page.fill("#iterations", "10000");
    await page.click("#start");
    await hasReached(page, 2);
    const worker = workerOf(page);
    await worker.evaluate(() => {
      const { from } = Float32Array;
      Float32Array.from = () => {
        Float32Array.from = from;
        throw new TypeError("no more arrays");
      };
    });
    expect(await problemAt(page, "start")).toMatch(/no more arrays/);
    const report = await reportOf(page);
    expect(report.stopReason).toBe("failed");
    expect(report.failure.message).toMatch(/no more arrays/);
    expect(report.steps).toBeGreaterThan(1);
    expect(await page.locator("#save-png:enabled, #save-npy:enabled").count()).toBe(2);
    await attackWorks(page);
  });

  it("asks for a model's data file, keeps the model before, and takes the file alone", async () => {
    const withoutData = await fileAt(golden("unet-dynamo.onnx"));
    await page.setInputFiles("#model-file", withoutData);
    expect(await problemAt(page, "model-file")).toMatch(/unet-dynamo\.onnx\.data/);
    await isOff(page);
    await page.click("#model-file-problem button");
    expect(await wrongFields(page)).toEqual([]);
    expect(await page.textContent("#chosen")).toBe("unet3.onnx on picture.png");
    await attackWorks(page);
    await page.setInputFiles("#model-file", withoutData);
    expect(await problemAt(page, "model-file")).toMatch(/unet-dynamo\.onnx\.data/);
    await drop(page, [await fileAt(golden("unet-dynamo.onnx.data"))]);
    await waitForStatus(page, "Ready: unet-dynamo.onnx");
    await attackWorks(page);
  });

  it("aims at what the model draws on another image", async () => {
    await page.setInputFiles("#model-file", [`${models}/optic-disc.onnx`, `${models}/retina.jpg`]);
    await waitForStatus(page, "Ready: optic-disc.onnx on retina.jpg");
    await page.selectOption("#kind", "other");
    await page.click("#start");
    expect(await problemAt(page, "other")).toMatch(/choose the other picture first/);
    await page.setInputFiles("#other", `${models}/retina.jpg`);
    await page.fill("#threshold", "0.95");
    // Its own prediction is what it draws already: a success of nothing is refused.
    await waitForStatus(page, "The target is what the model draws on retina.jpg.");
    expect(await problemAt(page, "other")).toMatch(
      /reaches it already .*IoU \(foreground\) 1\.0000/,
    );
    await page.click("#start");
    expect(await statusOf(page)).toMatch(/^Not started/);
    await page.selectOption("#kind", "disc");
  });

  it("reads pixels as a preprocessor_config.json or the field says", async () => {
    const config = {
      do_resize: false,
      do_rescale: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.25, 0.25, 0.25],
      do_normalize: true,
    };
    await drop(page, [textFile("preprocessor_config.json", JSON.stringify(config))]);
    await page.waitForFunction(() =>
      /0\.25/.test(document.querySelector("#words")?.textContent ?? ""),
    );
    await page.selectOption("#normalisation", "imagenet");
    await page.waitForFunction(() =>
      /0\.485/.test(document.querySelector("#words")?.textContent ?? ""),
    );
    await page.selectOption("#normalisation", "model");
    await page.waitForFunction(() =>
      /0\.25/.test(document.querySelector("#words")?.textContent ?? ""),
    );
  });

  it(
    "says that memory ran out, and goes on with the picture before",
    { timeout: 200_000 },
    async () => {
      await drop(page, [await fileAt(golden("unet-legacy.onnx")), picture(92)]);
      await waitForStatus(page, "Ready: unet-legacy.onnx on picture.png");
      await drop(page, [picture(7200, "large.png")]);
      expect(await problemAt(page, "image-file")).toMatch(
        /^large\.png: .*no more memory.*smaller image/,
      );
      await waitForStatus(page, "Ready: unet-legacy.onnx on picture.png");
      await page.click("#image-file-problem button");
      await attackWorks(page);
    },
  );

  it("starts afresh when its worker dies in the middle of an attack", async () => {
    await page.fill("#iterations", "10000");
    await page.click("#start");
    await hasReached(page, 2);
    await workerOf(page).evaluate(() => {
      setTimeout(() => {
        throw new Error("something broke");
      });
    });
    expect(await problemAt(page, "start")).toMatch(/something broke/);
    await waitForStatus(page, "Ready: unet-legacy.onnx on picture.png");
    await attackWorks(page);
  });

  it("asks no other site for anything, and writes nothing to the console", () => {
    const { origin } = new URL(opened.site.url);
    expect(opened.requests.length).toBeGreaterThan(5);
    expect(
      opened.requests.filter((url) => !url.startsWith(origin) && !url.startsWith("blob:")),
    ).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });
});

describe.skipIf(!hasBrowser)("the demo on WebGPU", () => {
  it("says that the GPU was lost, and goes on", { timeout: 300_000 }, async () => {
    const opened = await openDemo({ gpu: true });
    const { page } = opened;
    keepDevices(page);
    await isReady(page);
    await unfold(page);
    await page.setInputFiles("#model-file", golden("unet3.onnx"));
    await waitForStatus(page, "Ready: unet3.onnx");
    await page.setInputFiles("#image-file", picture(76));
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    await page.selectOption("#device-choice", "webgpu");
    await page.waitForFunction(
      () => /WebGPU/.test(document.querySelector("#device")?.textContent ?? ""),
      undefined,
      { timeout: 200_000 },
    );
    await isReady(page);
    await page.click("#start");
    await hasReached(page, 1);
    await loseDevice(workerOf(page));
    expect(await problemAt(page, "start")).toMatch(/GPU device was lost/);
    await page.selectOption("#device-choice", "wasm");
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    await attackWorks(page);
    await opened.close();
  });
});
