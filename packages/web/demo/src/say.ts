import { element } from "./element.ts";

/** Says what is going on; screen readers read it out. */
export function say(text: string): void {
  element("status").textContent = text;
}
