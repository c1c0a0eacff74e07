import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import { python, recompute } from "../results/recompute.ts";
import { scenes, sharp, type Given } from "../results/scenes.ts";
import { unet, unet3, writeImage } from "../support/golden-scene.ts";
import { filesOf, namesIn, temporaryFolder } from "../support/run-cli.ts";
import { drop, fileAt } from "./support/dropped.ts";
import {
  download,
  hasEnded,
  isReady,
  openDemo,
  unfold,
  waitForStatus,
} from "./support/open-demo.ts";
import { hasBrowser, openPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

const schema = JSON.parse(
  readFileSync(new URL("../../packages/core/result.schema.json", import.meta.url), "utf8"),
) as object;

/** Inputs of attacks whose results are recomputed. */
const inputs: Readonly<Record<string, (folder: string) => Promise<Given> | Given>> = {
  "a JPEG": async (folder) => {
    const image = join(folder, "photo.jpg");
    await sharp(writeImage(folder)).jpeg({ quality: 92 }).toFile(image);
    return { model: unet, image };
  },
  "a PNG of 16 bits": async (folder) => {
    const { model, image } = await inputOf("PNG of 16 bits, shifted", folder);
    return { model, image };
  },
  "a TIFF": async (folder) => {
    const { model, image } = await inputOf("TIFF, a class hidden", folder);
    return { model, image };
  },
  "a volume": async (folder) => {
    const { model, image } = await inputOf("a volume of 16 bits, hidden", folder);
    return { model, image };
  },
  "a preprocessor file": async (folder) => {
    const { model, image, preprocessor } = await inputOf(
      "a preprocessor file, labels on the image's grid",
      folder,
    );
    return { model, image, preprocessor };
  },
  "external data": async (folder) => {
    const { model } = await inputOf("external data, resized, padded, normalised", folder);
    return { model, image: writeImage(folder) };
  },
};

async function inputOf(scene: string, folder: string): Promise<Given> {
  return await (scenes[scene] as (typeof scenes)[string])(folder);
}

/** Attacks in the browser, and writes the files that it gives into `out`. */
async function attackInBrowser({ model, image }: Given, out: string, isFile: boolean) {
  const opened = await openPage({ folders: [dirname(model), dirname(image)] });
  const files = await opened.page.evaluate(
    async ({ address, path, asFile }) => {
      const loaded = await onnxAsma.loadModel(address, { device: "wasm", threads: 1 });
      const blob = await (await fetch(path)).blob();
      const file = new File([blob], path.slice(1));
      const picture = await loaded.readImage(asFile ? file : await createImageBitmap(blob));
      const [, , ...size] = picture.dims;
      const predictionBefore = await loaded.predict(picture);
      const centre = size.map((n) => n / 2);
      const target = onnxAsma.disc(size, centre, Math.max(2, Math.min(...size) / 6));
      const region = new Float32Array(size.reduce((n, d) => n * d, 1)).fill(1, 50);
      const run = await loaded.attack(picture, target, { iterations: 12, region });
      const result = await run.result;
      const made = await loaded.resultFiles({
        image: picture,
        target,
        predictionBefore,
        result,
        region,
        request: { disc: centre },
        ...(asFile && { sources: { image: file } }),
      });
      await loaded.release();
      // The page keeps its own.
      if (picture.data.length === 0 || result.best.image.data.length === 0) {
        throw new Error("The page's pixels are gone.");
      }
      return [...made].map(([name, bytes]) => [name, [...bytes]] as const);
    },
    { address: `/${basename(model)}`, path: `/${basename(image)}`, asFile: isFile },
  );
  await opened.close();
  mkdirSync(out);
  for (const [name, bytes] of files) {
    writeFileSync(join(out, name), Uint8Array.from(bytes));
  }
  return files.map(([name]) => name);
}

function recordIn(out: string): ResultRecord {
  const record: unknown = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.validate(schema, record);
  expect(ajv.errors).toBeNull();
  return record as ResultRecord;
}

describe.skipIf(!hasBrowser)("results of the browser", () => {
  it.each(Object.keys(inputs))("of %s are those of Node's schema", async (name) => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    const given = await (inputs[name] as (typeof inputs)[string])(folder);
    const names = await attackInBrowser(given, out, true);
    const record = recordIn(out);
    expect(names).toEqual([...record.files.map(({ file }) => file), "result.json"]);
    expect(record).toMatchObject({
      host: {
        kind: "web",
        version: expect.stringContaining("Chrome"),
        runtime: { name: "onnxruntime-web", version: expect.stringMatching(/^1\./) },
        executionProviders: ["wasm"],
        threads: 1,
      },
      image: {
        file: basename(given.image),
        decoder: { name: name === "a JPEG" ? "browser" : "onnx-asma" },
      },
      verdict: { goal: expect.stringMatching(/eached in \d+ steps/) },
    });
    expect(record).not.toHaveProperty("pictures");
    // Once more in Python, from these files and the model alone.
    if (python !== undefined) {
      expect(recompute(out, given).faults).toEqual([]);
    }
  });

  it("of pixels without a file name the pixels as they are saved", async () => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    await attackInBrowser({ model: unet, image: writeImage(folder) }, out, false);
    const { files, image } = recordIn(out);
    expect(image).toMatchObject({ format: "pixels", decoder: { name: "browser" } });
    expect(files).toContainEqual({ file: "original.png", sha256: image.sha256 });
  });

  it("are what the page gives in one zip", async () => {
    const folder = temporaryFolder();
    const image = writeImage(folder, "three");
    const opened = await openDemo();
    const { page } = opened;
    await isReady(page);
    await drop(page, [await fileAt(unet3), await fileAt(image, "image/png")]);
    await waitForStatus(page, "Ready: unet3.onnx on image.png");
    await unfold(page);
    await page.fill("#iterations", "4");
    await page.click("#start");
    await hasEnded(page);
    const zip = join(folder, "results.zip");
    copyFileSync(await download(page, "#save-all"), zip);
    expect(opened.complaints).toEqual([]);
    await opened.close();
    const out = join(folder, "out");
    mkdirSync(out);
    // Stored as they are: the names stand in the bytes, the files after them.
    for (const [name, bytes] of entriesOf(readFileSync(zip))) {
      writeFileSync(join(out, name), bytes);
    }
    const record = recordIn(out);
    expect(namesIn(out)).toEqual(filesOf(record));
    expect(record.image).toMatchObject({ file: "image.png" });
    expect(record.options).toMatchObject({ iterations: 4 });
    if (python !== undefined) {
      expect(recompute(zip, { model: unet3, image }).faults).toEqual([]);
    }
  });
});

/** The files of a zip that does not compress, by its central directory. */
function entriesOf(zip: Buffer): (readonly [name: string, bytes: Buffer])[] {
  const end = zip.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  const entries: (readonly [string, Buffer])[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [size, name, extra, comment] = [
      zip.readUInt32LE(at + 24),
      zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30),
      zip.readUInt16LE(at + 32),
    ];
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    entries.push([
      zip.toString("utf8", at + 46, at + 46 + name),
      zip.subarray(start, start + size),
    ]);
    at += 46 + name + extra + comment;
  }
  return entries;
}
