import type { Page } from "playwright-core";
import type { Dropped } from "./dropped.ts";

/** Whether the focus is on an element. */
export const hasFocus = async (page: Page, selector: string) =>
  await page.evaluate((s) => document.activeElement?.matches(s) === true, selector);

/** Presses Tab (or Shift and Tab) until an element has the focus. @throws Error where it is never reached */
export async function tabTo(page: Page, selector: string, key = "Tab"): Promise<void> {
  for (let presses = 0; presses < 100; presses++) {
    if (await hasFocus(page, selector)) {
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not come to ${selector}`);
}

/** Opens the list of files of the field that has the focus, and picks some. */
export async function pick(page: Page, files: readonly Dropped[]): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.keyboard.press("Enter"),
  ]);
  await chooser.setFiles([...files]);
}

/** Saves a file by the button that has the focus; its path. */
export async function save(page: Page): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  return await file.path();
}
