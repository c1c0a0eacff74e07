/** The element of an id in index.html. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`No element '${id}' on the page.`);
  }
  return found as T;
}

/** The number that a field holds. */
export function numberOf(id: string): number {
  return element<HTMLInputElement>(id).valueAsNumber;
}

/** A button of the page. */
export function button(id: string): HTMLButtonElement {
  return element<HTMLButtonElement>(id);
}
