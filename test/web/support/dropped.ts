import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import type { Page } from "playwright-core";
import { encodePng } from "../../support/png.ts";

/** A file as it is dropped or picked. */
export interface Dropped {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** The type that browsers give a model. */
export const onnx = "application/octet-stream";

/** A file of this machine. */
export async function fileAt(path: string, mimeType = onnx): Promise<Dropped> {
  return { name: path.slice(path.lastIndexOf("/") + 1), mimeType, buffer: await readFile(path) };
}

/** A file of a text. */
export function textFile(name: string, text: string, mimeType = "application/json"): Dropped {
  return { name, mimeType, buffer: Buffer.from(text) };
}

/** A picture of a pattern. */
export function picture(side: number, name = "picture.png"): Dropped {
  const data = new Uint8Array(3 * side * side).map((_, i) => (i * 37) % 256);
  return {
    name,
    mimeType: "image/png",
    buffer: encodePng({ width: side, height: side, channels: 3, data }),
  };
}

/** A mask with a label in a square in the middle, 0 around it. */
export function mask(side: number, label: number, name = "mask.png"): Dropped {
  const data = new Uint8Array(side * side).map((_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return Math.max(Math.abs(x - side / 2), Math.abs(y - side / 2)) < side / 8 ? label : 0;
  });
  return {
    name,
    mimeType: "image/png",
    buffer: encodePng({ width: side, height: side, channels: 1, data }),
  };
}

/** Drops files onto the page, or a part of it, as a hand would. */
export async function drop(page: Page, files: readonly Dropped[], onto = "body"): Promise<void> {
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
  await page.dispatchEvent(onto, "dragover", { dataTransfer });
  expect(await page.locator("html.dropping").count()).toBe(1);
  await page.dispatchEvent(onto, "drop", { dataTransfer });
  expect(await page.locator("html.dropping").count()).toBe(0);
}
