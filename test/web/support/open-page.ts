import { inject } from "vitest";
import type { Browser, Page } from "playwright-core";
import { launch } from "./chromium.ts";
import { serve, type ServeOptions, type Site } from "./serve.ts";

/** Folder of the bundled models and picture. */
export const models = new URL("../../../models", import.meta.url).pathname;

/** Whether there is a browser to test in. */
export const hasBrowser = inject("chromium") !== "";

/** An open test page, and what it wrote to the console. */
export interface OpenPage {
  readonly page: Page;
  readonly browser: Browser;
  readonly site: Site;
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Serves the built test page with the bundled models and opens it in a fresh browser. */
export async function openPage(
  options: ServeOptions & {
    readonly gpu?: boolean;
    readonly folders?: readonly string[];
    readonly root?: string;
    readonly path?: string;
    /** Told of every request, from the first byte on. */
    readonly onRequest?: (url: string) => void;
  } = {},
): Promise<OpenPage> {
  const folders = [options.root ?? inject("site"), models, ...(options.folders ?? [])];
  const site = await serve(folders, options);
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
  await page.goto(`${site.url}${options.path ?? "/"}`);
  const close = async (): Promise<void> => {
    await browser.close();
    await site.close();
  };
  return { page, browser, site, complaints, close };
}
