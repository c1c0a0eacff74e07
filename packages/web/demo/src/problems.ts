import { hideAndFocus } from "./buttons.ts";
import { element } from "./element.ts";

/** What a problem offers to do about it. */
export interface WayOut {
  readonly label: string;
  take(): void;
}

/** Says what is wrong beside the field that it came from, until it is mended. */
export function complainAt(id: string, text: string, wayOut?: WayOut): void {
  const field = element(id);
  const box = boxOf(field);
  const [message, button] = box.children as unknown as [HTMLElement, HTMLButtonElement];
  if (message.textContent !== text) {
    message.textContent = text;
  }
  button.hidden = wayOut === undefined;
  button.textContent = wayOut?.label ?? "";
  button.onclick = () => wayOut?.take();
  box.hidden = false;
  if (field.matches("input, select")) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", message.id);
  }
  for (let part = field.closest("details"); part !== null;) {
    part.open = true;
    part = part.parentElement?.closest("details") ?? null;
  }
}

/** Takes away what was said to be wrong with a field. */
export function mended(...ids: readonly string[]): void {
  for (const id of ids) {
    const field = document.getElementById(id);
    const box = document.getElementById(`${id}-problem`);
    if (field !== null && box !== null && !box.hidden) {
      hideAndFocus(box, field);
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-errormessage");
    }
  }
}

function boxOf(field: HTMLElement): HTMLElement {
  const id = `${field.id}-problem`;
  const known = document.getElementById(id);
  if (known !== null) {
    return known;
  }
  const box = Object.assign(document.createElement("div"), { id, className: "problem" });
  const message = Object.assign(document.createElement("p"), { id: `${id}-text`, role: "alert" });
  const button = Object.assign(document.createElement("button"), { type: "button" });
  box.append(message, button);
  (field.closest("label, .buttons") ?? field).after(box);
  return box;
}
