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

/** Waits until an attack can be started. */
export const isReady = (page: Page) => page.locator("#start:enabled").waitFor({ timeout: 90_000 });

/** Opens the part of the page that holds the attack's options. */
export const showOptions = async (page: Page) =>
  await page.evaluate(() => document.querySelector("details")?.setAttribute("open", ""));

/** Waits until an attack has ended. */
export const hasEnded = (page: Page) =>
  page.locator("#save-png:enabled").waitFor({ timeout: 200_000 });

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
