import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page, Worker } from "playwright-core";
import { allAttacks, describeOptions } from "@onnx-asma/node";
import { golden } from "../support/golden-scene.ts";
import { claimingPng, encodePng } from "../support/png.ts";
import { keepDevices, loseDevice } from "./support/gpu-device.ts";
import {
  download,
  isReady,
  openDemo,
  showOptions,
  statusOf,
  waitForStatus,
  type OpenDemo,
} from "./support/open-demo.ts";
import { hasBrowser, models } from "./support/open-page.ts";

/** A file as it is dropped or picked. */
interface Dropped {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const onnx = "application/octet-stream";

async function fileAt(path: string, mimeType = onnx): Promise<Dropped> {
  return { name: path.slice(path.lastIndexOf("/") + 1), mimeType, buffer: await readFile(path) };
}

/** A picture of a pattern. */
function picture(side: number, name = "picture.png"): Dropped {
  const data = new Uint8Array(3 * side * side).map((_, i) => (i * 37) % 256);
  return {
    name,
    mimeType: "image/png",
    buffer: encodePng({ width: side, height: side, channels: 3, data }),
  };
}

/** Drops files onto the page as a hand would. */
async function drop(page: Page, ...files: Dropped[]): Promise<void> {
  const sent = files.map(({ name, mimeType, buffer }) => ({
    name,
    mimeType,
    base64: buffer.toString("base64"),
  }));
  const dataTransfer = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, mimeType, base64 } of list) {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: mimeType }));
    }
    return transfer;
  }, sent);
  await page.dispatchEvent("body", "dragover", { dataTransfer });
  expect(await page.locator("html.dropping").count()).toBe(1);
  await page.dispatchEvent("body", "drop", { dataTransfer });
  expect(await page.locator("html.dropping").count()).toBe(0);
}

async function problemOf(page: Page): Promise<string> {
  await page.locator("#problem:visible").waitFor({ timeout: 100_000 });
  return (await page.locator("#problem").textContent()) ?? "";
}

/** The page takes a few steps: whatever went wrong before, it goes on. */
async function attackWorks(page: Page): Promise<void> {
  await isReady(page);
  await showOptions(page);
  await page.fill("#iterations", "3");
  await page.fill("#threshold", "1");
  await page.click("#start");
  await page.locator("#save-png:enabled, #problem:visible").first().waitFor({ timeout: 100_000 });
  expect(await page.locator("#problem:visible").allTextContents()).toEqual([]);
  expect(await statusOf(page)).toMatch(/at step \d+ \(iterations\)/);
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
  });
  afterAll(async () => await opened.close());

  it("takes a dropped model with its picture, and offers its classes", async () => {
    await drop(page, await fileAt(golden("unet3.onnx")), picture(76));
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
    const curves = await page.locator("#curves figcaption").allTextContents();
    expect(curves.map((text) => text.replace(/ \S+$/, ""))).toEqual([
      "IoU",
      "Pixel accuracy",
      "L2",
      "L∞",
      ...Object.keys(report.trajectory[0].logs),
    ]);
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
    expect(await problemOf(page)).toMatch(/epsilon/);
    await page.selectOption("#attack", "asma");
    await page.fill("#option-lossClasses", "1, 2");
    await attackWorks(page);
    expect((await reportOf(page)).attack.options).toMatchObject({ lossClasses: [1, 2] });
    await page.fill("#option-lossClasses", "");
  });

  it("refuses to hide what is not drawn, beside the target, and says what is", async () => {
    expect(await page.textContent("#clean")).toMatch(/^On the untouched image the model draws .*%/);
    await page.selectOption("#kind", "hide");
    // The model draws nothing of that class here.
    await page.waitForSelector("#target-problem:not([hidden])");
    expect(await page.textContent("#target-problem")).toMatch(/class 1 has no pixel/);
    await page.click("#start");
    expect(await problemOf(page)).toMatch(/class 1 has no pixel/);
    await page.selectOption("#kind", "disc");
    await page.waitForSelector("#target-problem", { state: "hidden" });
    await attackWorks(page);
  });

  it("shows what made an attack fail, and saves what it had come to", async () => {
    await page.fill("#iterations", "10000");
    await page.click("#start");
    await page.waitForFunction(() => Number(document.querySelector("#step")?.textContent) >= 2);
    const worker = workerOf(page);
    await worker.evaluate(() => {
      const { from } = Float32Array;
      Float32Array.from = () => {
        Float32Array.from = from;
        throw new TypeError("no more arrays");
      };
    });
    expect(await problemOf(page)).toMatch(/no more arrays/);
    const report = await reportOf(page);
    expect(report.stopReason).toBe("failed");
    expect(report.trajectory.length).toBeGreaterThan(2);
    expect(await page.locator("#save-png:disabled, #save-npy:enabled").count()).toBe(2);
    await attackWorks(page);
  });

  it("asks for a model's data file, goes on with the model before, and takes the file alone", async () => {
    await page.setInputFiles("#model-file", await fileAt(golden("unet-dynamo.onnx")));
    expect(await problemOf(page)).toMatch(/unet-dynamo\.onnx\.data/);
    await attackWorks(page);
    await drop(page, await fileAt(golden("unet-dynamo.onnx.data")));
    await waitForStatus(page, "Ready: unet-dynamo.onnx");
    await attackWorks(page);
  });

  it("aims at what the model draws on another image", async () => {
    await page.setInputFiles("#model-file", [`${models}/optic-disc.onnx`, `${models}/retina.jpg`]);
    await waitForStatus(page, "Ready: optic-disc.onnx on retina.jpg");
    await page.selectOption("#kind", "other");
    await page.click("#start");
    expect(await problemOf(page)).toMatch(/choose the other image first/);
    await page.setInputFiles("#other", `${models}/retina.jpg`);
    await page.fill("#threshold", "0.95");
    await page.click("#start");
    // Its own prediction is what it draws already: a success of nothing is refused.
    expect(await problemOf(page)).toMatch(/reaches it already .*IoU \(foreground\) 1\.0000/);
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
    await drop(page, {
      name: "preprocessor_config.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify(config)),
    });
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

  it.each([
    ["a broken model", "broken.onnx", onnx, /Expected an ONNX model/],
    ["a broken picture", "broken.png", "image/png", /Expected a PNG, JPEG/],
    [
      "a broken configuration",
      "preprocessor_config.json",
      "application/json",
      /preprocessor_config\.json/,
    ],
  ])("names %s, and goes on", async (_, name, mimeType, message) => {
    await drop(page, { name, mimeType, buffer: Buffer.from("nothing of the kind") });
    expect(await problemOf(page)).toMatch(message);
    await attackWorks(page);
  });

  it("refuses a picture that claims too many pixels, and goes on", async () => {
    const buffer = claimingPng(60_000, 60_000);
    await drop(page, { name: "huge.png", mimeType: "image/png", buffer });
    expect(await problemOf(page)).toMatch(
      /at most 64 megapixels but 'huge.png' claims 60000x60000/,
    );
    await attackWorks(page);
  });

  it(
    "says that memory ran out, and goes on with the picture before",
    { timeout: 200_000 },
    async () => {
      await drop(page, await fileAt(golden("unet-legacy.onnx")), picture(92));
      await waitForStatus(page, "Ready: unet-legacy.onnx on picture.png");
      await drop(page, picture(7200, "large.png"));
      expect(await problemOf(page)).toMatch(/no more memory.*smaller image/);
      await waitForStatus(page, "Ready: unet-legacy.onnx on picture.png");
      await attackWorks(page);
    },
  );

  it("starts afresh when its worker dies in the middle of an attack", async () => {
    await page.fill("#iterations", "10000");
    await page.click("#start");
    await page.waitForFunction(() => Number(document.querySelector("#step")?.textContent) >= 2);
    await workerOf(page).evaluate(() => {
      setTimeout(() => {
        throw new Error("something broke");
      });
    });
    expect(await problemOf(page)).toMatch(/something broke/);
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
    await page.waitForFunction(
      () => Number(document.querySelector("#step")?.textContent) >= 1,
      undefined,
      { timeout: 200_000 },
    );
    await loseDevice(workerOf(page));
    expect(await problemOf(page)).toMatch(/GPU device was lost/);
    await page.selectOption("#device-choice", "wasm");
    await waitForStatus(page, "Ready: unet3.onnx on picture.png");
    await attackWorks(page);
    await opened.close();
  });
});
