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

/** What a field holds. */
export function valueOf(id: string): string {
  return element<HTMLInputElement | HTMLSelectElement>(id).value;
}

/** Shows or hides all elements of a selector. */
export function showWhere(selector: string, isShown: boolean): void {
  for (const found of document.querySelectorAll<HTMLElement>(selector)) {
    found.hidden = !isShown;
  }
}

/** Puts a list of texts into an element, an item each. */
export function listIn(id: string, texts: readonly string[]): void {
  element(id).replaceChildren(
    ...texts.map((textContent) => Object.assign(document.createElement("li"), { textContent })),
  );
}
