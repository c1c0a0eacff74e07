import { element } from "./element.ts";

/**
 * Lets a button be pressed, or not. It stays in the order of the focus, so that whoever pressed it is not
 * thrown to the start of the page.
 */
export function setOn(id: string, isOn: boolean): void {
  element(id).setAttribute("aria-disabled", String(!isOn));
}

/** Whether a button can be pressed: shown, and on. */
export function isOn(id: string): boolean {
  const button = element<HTMLButtonElement>(id);
  return button.getAttribute("aria-disabled") !== "true" && !button.closest("[hidden]");
}

/** Calls back when a button that is on is pressed. */
export function onPress(id: string, pressed: () => void): void {
  element(id).addEventListener("click", () => {
    if (isOn(id)) {
      pressed();
    }
  });
}

/** Hides an element; the focus that was in it goes to another one. */
export function hideAndFocus(hidden: HTMLElement, next: HTMLElement): void {
  const hadFocus = hidden.contains(document.activeElement);
  hidden.hidden = true;
  if (hadFocus) {
    next.focus();
  }
}
