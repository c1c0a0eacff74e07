import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { golden } from "../support/golden-scene.ts";
import { claimingPng } from "../support/png.ts";
import { tinyModel } from "../support/tiny-model.ts";
import { unet3Training } from "../support/training-graph.ts";
import { drop, fileAt, mask, onnx, picture, textFile, type Dropped } from "./support/dropped.ts";
import {
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

const side = 64;

/** Class 1 where a pixel is bright, 0 where it is dark, and a class 2 that is nowhere: read in no time. */
const bright: Dropped = {
  name: "bright.onnx",
  mimeType: onnx,
  buffer: Buffer.from(
    tinyModel({
      inputs: { image: { dims: [1, 3, side, side] } },
      constants: {
        w: { dims: [3, 3, 1, 1], data: [-1, -1, -1, 1, 1, 1, 0, 0, 0] },
        b: { dims: [3], data: [1.5, -1.5, -9] },
      },
      nodes: [["Conv", ["image", "w", "b"], "scores"]],
    }),
  ),
};

const file = (name: string, mimeType: string, buffer: Uint8Array): Dropped => ({
  name,
  mimeType,
  buffer: Buffer.from(buffer),
});
const foreign = async (name: string) =>
  await fileAt(fileURLToPath(new URL(`../foreign-files/${name}`, import.meta.url)));
const png = picture(side);
/** How each kind of file begins; nothing else of it is looked at. */
const begins = (text: string) => Buffer.from(text.padEnd(64, "\0"), "latin1");

/** What a newcomer does, and what has to be said about it. */
interface Mistake {
  readonly what: string;
  readonly make: (page: Page) => Promise<void>;
  /** The field beside which it is said. */
  readonly at: string;
  /** Parts of the message: the thing, what was expected, what was found, the way out. */
  readonly says: readonly (string | RegExp)[];
}

const drops = (
  what: string,
  files: () => Dropped | Promise<Dropped>,
  at: string,
  ...says: readonly (string | RegExp)[]
): Mistake => ({ what, make: async (page) => await drop(page, [await files()]), at, says });

const picks = (
  what: string,
  files: () => Dropped | Promise<Dropped>,
  at: string,
  ...says: readonly (string | RegExp)[]
): Mistake => ({
  what,
  make: async (page) => await page.setInputFiles(`#${at}`, await files()),
  at,
  says,
});

const masks = (
  what: string,
  files: () => Dropped | Promise<Dropped>,
  ...says: readonly (string | RegExp)[]
): Mistake => ({
  what,
  make: async (page) => {
    await page.selectOption("#kind", "mask");
    await page.setInputFiles("#mask-file", await files());
  },
  at: "mask-file",
  says,
});

const starts = (
  what: string,
  make: (page: Page) => Promise<unknown>,
  at: string,
  ...says: readonly (string | RegExp)[]
): Mistake => ({
  what,
  make: async (page) => {
    await make(page);
    await page.click("#start");
    expect(await statusOf(page)).toMatch(/^Not started/);
  },
  at,
  says,
});

const mistakes: readonly Mistake[] = [
  picks(
    "A checkpoint of PyTorch as model",
    () => foreign("checkpoint.pt"),
    "model-file",
    "an ONNX model in 'checkpoint.pt'",
    "a checkpoint of PyTorch",
    "torch.onnx.export",
  ),
  picks(
    "A picture that is called .onnx",
    () => ({ ...png, name: "model.onnx", mimeType: onnx }),
    "model-file",
    "an ONNX model in 'model.onnx'",
    "a PNG picture",
    "the model first",
  ),
  drops(
    "A text that is called .onnx",
    () => textFile("broken.onnx", "nothing", onnx),
    "model-file",
    "an ONNX model in 'broken.onnx'",
    "it is a text",
    "name the .onnx file",
  ),
  drops(
    "A model that was cut off",
    async () => {
      const { buffer } = await fileAt(golden("unet3.onnx"));
      return file("cut.onnx", onnx, buffer.subarray(0, buffer.length / 2));
    },
    "model-file",
    "an ONNX model in 'cut.onnx'",
    "without its end",
    "export it again",
  ),
  picks(
    "A model without its data file",
    () => fileAt(golden("unet-dynamo.onnx")),
    "model-file",
    "its values in the external data file 'unet-dynamo.onnx.data'",
    "no data file was given with the model",
    "give both together",
  ),
  drops(
    "A training graph alone",
    () => fileAt(unet3Training.trainingGraph),
    "model-file",
    "unet3.training.onnx: ",
    "external data file 'unet3.onnx'",
    "no data file was given",
    "give both together",
  ),
  drops(
    "A preprocessor_config.json that is broken",
    () => textFile("preprocessor_config.json", "{"),
    "model-file",
    "a JSON object in 'preprocessor_config.json'",
    "cannot be read",
    "correct it",
    "leave it out with a choice of files without it",
  ),
  {
    what: "Fewer names than classes",
    make: async (page) => {
      await page.fill("#class-names", "dark, bright");
      await page.keyboard.press("Tab");
    },
    at: "class-names",
    says: ["3 class names, one per class", "found 2 (dark, bright)", "name each once"],
  },
  picks(
    "A PDF as picture",
    () => file("scan.pdf", "application/pdf", begins("%PDF-1.7\n")),
    "image-file",
    "a PNG, JPEG",
    "'scan.pdf' is a PDF document",
    "name the picture itself",
  ),
  picks(
    "A photo of a phone (HEIC)",
    () => file("photo.heic", "", begins("\0\0\0\x18ftypheic")),
    "image-file",
    "a PNG, JPEG",
    "'photo.heic' is a HEIC",
    "save it as PNG or JPEG",
  ),
  picks(
    "A text as picture",
    () => textFile("notes.txt", "Where is it?\n", "text/plain"),
    "image-file",
    "a PNG, JPEG",
    "'notes.txt' is a text",
    "name the picture itself",
  ),
  picks(
    "A model as picture",
    () => bright,
    "image-file",
    "a PNG, JPEG",
    "'bright.onnx' seems to be an ONNX model",
    "the model first",
  ),
  drops(
    "A broken PNG",
    () => ({ ...png, name: "cut.png", buffer: png.buffer.subarray(0, 300) }),
    "image-file",
    "a whole PNG",
    "'cut.png' is a truncated PNG",
    "save it again",
  ),
  drops(
    "A picture with too many pixels",
    () => file("huge.png", "image/png", claimingPng(60_000, 60_000)),
    "image-file",
    "at most 64 megapixels",
    "'huge.png' claims 60000x60000",
    "crop or shrink it first",
  ),
  starts(
    "No mask",
    async (page) => await page.selectOption("#kind", "mask"),
    "mask-file",
    "no target yet",
    "choose a mask first",
  ),
  masks(
    "A mask of another size",
    () => mask(50, 1, "small.png"),
    "small.png: ",
    "a target of 64×64 pixels",
    "has 50×50",
    "nearest neighbours",
  ),
  masks(
    "A mask with labels the model lacks",
    () => mask(side, 7, "seven.png"),
    "classes 0 to 2",
    "'seven.png' asks for class 7",
    "which value is which class",
  ),
  masks(
    "The picture itself as mask",
    () => png,
    "grey values or palette indices",
    "'picture.png' holds the colours",
    "which colour is which class",
  ),
  masks(
    "A model as mask",
    () => bright,
    "a PNG, JPEG",
    "'bright.onnx' seems to be an ONNX model",
    "the model first",
  ),
  starts(
    "No other picture",
    async (page) => await page.selectOption("#kind", "other"),
    "other",
    "no target yet",
    "choose the other picture first",
  ),
  {
    what: "A second model as other picture",
    make: async (page) => {
      await page.selectOption("#kind", "other");
      await drop(page, [{ ...bright, name: "second.onnx" }], "#fields-other");
    },
    at: "other",
    says: ["a PNG, JPEG", "'second.onnx' seems to be an ONNX model", "the model first"],
  },
  {
    what: "The same picture as other picture",
    make: async (page) => {
      await page.selectOption("#kind", "other");
      await page.setInputFiles("#other", png);
    },
    at: "other",
    says: [
      "picture.png: ",
      "a target that the model does not draw yet",
      "reaches it already",
      "choose another target, or raise “IoU to reach”",
    ],
  },
  starts(
    "To hide a class that is not drawn",
    async (page) => {
      await page.selectOption("#kind", "hide");
      await page.selectOption("#class", "2");
    },
    "kind",
    "a class to hide that the model draws",
    "class 2 has no pixel",
    "hide one of those",
  ),
  starts(
    "To move what is drawn to where it is",
    async (page) => {
      await page.selectOption("#kind", "move");
      await page.fill("#right", "0");
      await page.fill("#down", "0");
    },
    "kind",
    "a target that the model does not draw yet",
    "reaches it already",
    "choose another target",
  ),
  starts(
    "β without τ",
    async (page) => await page.fill("#option-beta", "0.001"),
    "option-beta",
    "“β of the step size β·IoU + τ” and “τ of the step size” belong together",
    "give both, or neither",
  ),
  starts(
    "An IoU in percent",
    async (page) => await page.fill("#threshold", "95"),
    "threshold",
    "a number in [0, 1], 0.95 for 95 %,",
    "“IoU to reach”",
    "found 95",
  ),
  starts(
    "Half a step",
    async (page) => await page.fill("#iterations", "0.5"),
    "iterations",
    "a positive integer",
    "“Steps at most”",
    "found 0.5",
  ),
  starts(
    "A budget in levels",
    async (page) => {
      await page.selectOption("#attack", "pgd");
      await page.fill("#option-epsilon", "8");
    },
    "option-epsilon",
    "at most 1 for “budget”",
    "found 8",
    "give 0.03137",
  ),
];

describe.skipIf(!hasBrowser)("mistakes on the page", () => {
  let opened: OpenDemo;
  let page: Page;
  const said: string[] = [];
  beforeAll(async () => {
    opened = await openDemo();
    ({ page } = opened);
    await isReady(page);
    await drop(page, [bright, png]);
    await waitForStatus(page, "Ready: bright.onnx on picture.png");
    await unfold(page);
  });
  afterAll(async () => {
    await opened.close();
    if (process.env["TABLE"] === "1") {
      console.log(["| Mistake | Beside | What is said |", "|---|---|---|", ...said].join("\n"));
    }
  });

  // The way out that is offered, or the choice at first.
  afterEach(async () => {
    const keep = page.locator(".problem button:visible");
    if ((await keep.count()) > 0) {
      await keep.click();
    }
    await page.selectOption("#attack", "asma");
    await page.selectOption("#kind", "disc");
    for (const id of ["threshold", "iterations", "option-beta"]) {
      await page.fill(`#${id}`, "");
    }
    await page.locator(".problem:visible").waitFor({ state: "detached" });
    await isReady(page);
    expect(await page.textContent("#chosen")).toBe("bright.onnx on picture.png");
  });

  it.each(mistakes.map((mistake) => [mistake.what, mistake] as const))(
    "%s",
    async (what, { make, at, says }) => {
      await make(page);
      const text = await problemAt(page, at);
      said.push(`| ${what} | \`#${at}\` | ${text} |`);
      expect(await wrongFields(page), text).toEqual([at]);
      for (const part of says) {
        expect(text).toMatch(part);
      }
      // A sentence or a few, after the name of the file at most, and nothing of this page's inside.
      expect(text).toMatch(/^(\S+: )?[A-Z'“].*[.?]$/);
      expect(text).not.toMatch(/`|undefined/);
    },
  );

  it("wrote nothing to the console", () => {
    expect(opened.complaints).toEqual([]);
  });
});
