import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadModel, readMask, type LabelMap, type Verification } from "@onnx-asma/node";
import type * as Api from "@onnx-asma/web";
import { golden, goldenTarget, unet, writeImage, writeMask } from "../support/golden-scene.ts";
import { runCli, temporaryFolder } from "../support/run-cli.ts";
import { hasBrowser, openPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

/** What an attack comes to, through whatever door. */
interface Outcome {
  /** IoU, pixel accuracy, wrong pixels. */
  readonly agreement: readonly (readonly [number, number, number])[];
  /** L1, L2, L∞. */
  readonly norms: readonly (readonly [number, number, number])[];
  /** Labels that the untouched model draws on the saved file. */
  readonly labels: readonly number[] | undefined;
  /** Bytes of the saved file. */
  readonly file: readonly number[];
  readonly verdict: Pick<Verification, "iou" | "pixelAccuracy" | "wrongPixels" | "reached">;
  readonly attack: unknown;
  readonly options: unknown;
}

async function byCommandLine(folder: string, image: string, mask: string): Promise<Outcome> {
  const out = join(folder, "out");
  const run = await runCli(["attack", unet, image, "--target", mask, "-o", out]);
  expect(run.code, run.stderr).toBe(0);
  const [header = "", ...rows] = readFileSync(join(out, "trajectory.csv"), "utf8")
    .trimEnd()
    .split("\n");
  const names = header.split(",");
  const columns = (row: string, ...wanted: [string, string, string]) => {
    const cells = row.split(",");
    return wanted.map((name) => Number(cells[names.indexOf(name)])) as [number, number, number];
  };
  const record = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
  return {
    agreement: rows.map((row) => columns(row, "iou", "pixel_accuracy", "wrong_pixels")),
    norms: rows.map((row) => columns(row, "l1", "l2", "linf")),
    labels: undefined,
    file: [...readFileSync(join(out, record.savedFile))],
    verdict: verdictOf(record.saved),
    attack: { name: record.attack.name, options: record.attack.options },
    options: record.options,
  };
}

async function byLibrary(path: string, target: LabelMap): Promise<Outcome> {
  const model = await loadModel(unet);
  const image = await model.readImage(path);
  const { attack, best, options, trajectory } = await (await model.attack(image, target)).result;
  const file = await model.encode(best.image);
  const verdict = await model.verify(file, target, { original: image });
  await model.release();
  return {
    agreement: trajectory.map((s) => [s.iou, s.pixelAccuracy, s.wrongPixels]),
    norms: trajectory.map((s) => [s.l1, s.l2, s.linf]),
    labels: [...verdict.prediction.data],
    file: [...file],
    verdict: verdictOf(verdict),
    attack,
    options,
  };
}

async function byBrowser(folder: string, path: string, target: LabelMap): Promise<Outcome> {
  const opened = await openPage({ folders: [golden("."), folder] });
  const { verdict, ...outcome } = await opened.page.evaluate(
    async ({ model: address, path, data, dims }) => {
      const model = await onnxAsma.loadModel(address, { device: "wasm" });
      const image = await model.readImage(await (await fetch(path)).blob());
      const target = { data: Int32Array.from(data), dims };
      const { attack, best, options, trajectory } = await (
        await model.attack(image, target)
      ).result;
      const file = await model.encode(best.image);
      const {
        image: _,
        prediction,
        ...verdict
      } = await model.verify(file, target, {
        original: image,
      });
      await model.release();
      return {
        agreement: trajectory.map((s) => [s.iou, s.pixelAccuracy, s.wrongPixels] as const),
        norms: trajectory.map((s) => [s.l1, s.l2, s.linf] as const),
        labels: [...prediction.data],
        file: [...file],
        verdict,
        attack,
        options,
      };
    },
    {
      model: `/${basename(unet)}`,
      path: `/${basename(path)}`,
      data: [...target.data],
      dims: target.dims,
    },
  );
  await opened.close();
  return { ...outcome, verdict: verdictOf(verdict) };
}

function verdictOf({ iou, pixelAccuracy, wrongPixels, reached }: Outcome["verdict"]) {
  return { iou, pixelAccuracy, wrongPixels, reached };
}

describe.skipIf(!hasBrowser)("one attack through every door, without options", () => {
  it("takes the same steps, saves the same bytes and comes to the same verdict", async () => {
    const folder = temporaryFolder();
    const image = writeImage(folder);
    const mask = writeMask(folder, goldenTarget("two.moved"));
    const target = await readMask(mask, { classes: 2 });
    const [commandLine, library, browser] = [
      await byCommandLine(folder, image, mask),
      await byLibrary(image, target),
      await byBrowser(folder, image, target),
    ];
    expect(library.verdict.reached).toBe(true);
    expect(library.agreement.length).toBeGreaterThan(3);
    for (const other of [commandLine, browser]) {
      expect(other.attack).toEqual(library.attack);
      expect(other.options).toEqual(library.options);
      expect(other.agreement.map(([, , wrong]) => wrong)).toEqual(
        library.agreement.map(([, , wrong]) => wrong),
      );
      library.agreement.forEach(([iou, accuracy], n) => {
        expect(other.agreement[n]?.[0]).toBeCloseTo(iou, 5);
        expect(other.agreement[n]?.[1]).toBeCloseTo(accuracy, 5);
      });
      library.norms.forEach((norms, n) =>
        norms.forEach((norm, k) => {
          expect(Math.abs((other.norms[n]?.[k] as number) - norm)).toBeLessThanOrEqual(
            1e-4 * Math.max(norm, 1e-6),
          );
        }),
      );
      expect(other.file).toEqual(library.file);
      expect(other.verdict).toEqual(library.verdict);
    }
    expect(browser.labels).toEqual(library.labels);
    console.log(
      `${library.agreement.length - 1} steps, IoU ${library.verdict.iou.toFixed(4)}, ${library.file.length} bytes saved`,
    );
  });
});
