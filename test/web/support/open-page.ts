import { inject } from "vitest";
import type { Browser, Page } from "playwright-core";
import { launch } from "./chromium.ts";
import { serve, type ServeOptions, type Site } from "./serve.ts";

/** Folder of the bundled models and picture. */
export const models = new URL("../../../models", import.meta.url).pathname;

/** Whether there is a browser to test in. */
export const hasBrowser = inject("chromium") !== "";

/** A page in a browser of its own, and what it wrote to the console. */
export interface BrowserPage {
  readonly page: Page;
  readonly browser: Browser;
  readonly complaints: string[];
  close(): Promise<void>;
}

/** An open page of a site that is served for it alone. */
export interface OpenPage extends BrowserPage {
  readonly site: Site;
}

/** How a page is opened. */
export interface OpenOptions {
  /** With WebGPU, computed by software. @default false */
  readonly gpu?: boolean;
  /** Told of every request, from the first byte on. */
  readonly onRequest?: (url: string) => void;
}

/** Opens an address in a fresh browser. */
export async function openUrl(url: string, options: OpenOptions = {}): Promise<BrowserPage> {
  const browser = await launch(inject("chromium"), { gpu: options.gpu ?? false });
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.context().on("request", (request) => options.onRequest?.(request.url()));
  await page.goto(url);
  return { page, browser, complaints, close: async () => await browser.close() };
}

/** Serves the built test page with the bundled models and opens it in a fresh browser. */
export async function openPage(
  options: ServeOptions &
    OpenOptions & {
      readonly folders?: readonly string[];
      readonly root?: string;
      readonly path?: string;
    } = {},
): Promise<OpenPage> {
  const folders = [options.root ?? inject("site"), models, ...(options.folders ?? [])];
  const site = await serve(folders, options);
  const opened = await openUrl(`${site.url}${options.path ?? "/"}`, options);
  const close = async (): Promise<void> => {
    await opened.close();
    await site.close();
  };
  return { ...opened, site, close };
}
