import { inject } from "vitest";
import type { Page } from "playwright-core";
import { openPage, type OpenPage } from "./open-page.ts";
import type { ServeOptions } from "./serve.ts";

const policy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "img-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'";

/** The demo under its strict policy, and every address that it asked for. */
export type OpenDemo = OpenPage & { readonly requests: readonly string[] };

/** Opens the built demo. */
export async function openDemo(
  options: ServeOptions & { readonly gpu?: boolean } = {},
): Promise<OpenDemo> {
  const requests: string[] = [];
  const opened = await openPage({
    ...options,
    root: inject("demo"),
    headers: { "Content-Security-Policy": policy },
    onRequest: (url) => requests.push(url),
  });
  return { ...opened, requests };
}

/** Waits until the page does something: "loading", "failed", "ready", "running". */
export const inPhase = (page: Page, phase: string) =>
  page.locator(`body[data-phase=${phase}]`).waitFor({ timeout: 90_000 });

/** Waits until an attack can be started. */
export const isReady = (page: Page) =>
  page.locator("#start[aria-disabled=false]").waitFor({ timeout: 90_000 });

/** Opens all parts of the page that are folded. */
export const unfold = async (page: Page) =>
  await page.evaluate(() => {
    for (const part of document.querySelectorAll("details")) {
      part.open = true;
    }
  });

/** Waits until an attack has ended. */
export const hasEnded = (page: Page) =>
  page.locator("#save-png:enabled").waitFor({ timeout: 200_000 });

/** Waits until an attack has come to a step. */
export const hasReached = async (page: Page, step: number) =>
  await page.waitForFunction(
    (n) => Number(document.querySelector("#step")?.textContent) >= n,
    step,
    { timeout: 200_000 },
  );

/** What the page says to be wrong with a field, once it does. */
export async function problemAt(page: Page, field: string): Promise<string> {
  const message = page.locator(`#${field}-problem:visible [role=alert]`);
  await message.waitFor({ timeout: 100_000 });
  return (await message.textContent()) ?? "";
}

/** Ids of the fields that the page says something to be wrong with. */
export const wrongFields = async (page: Page) =>
  await page.$$eval(".problem:not([hidden])", (boxes) =>
    boxes.map(({ id }) => id.replace(/-problem$/, "")),
  );

/** What the page says. */
export const statusOf = async (page: Page) => (await page.locator("#status").textContent()) ?? "";

/** Waits until the page says something that begins so. */
export async function waitForStatus(page: Page, start: string): Promise<void> {
  await page.waitForFunction(
    (text) => document.querySelector("#status")?.textContent?.startsWith(text),
    start,
    { timeout: 90_000 },
  );
}

/** Saves a file by one of the page's buttons; its path. */
export async function download(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  return await file.path();
}
