/** Calls back on Escape, unless it closes a list or a dialog. */
export function onEscape(pressed: () => void): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as Element;
    if (event.key === "Escape" && !event.defaultPrevented && !isOpen(target)) {
      pressed();
    }
  });
}

function isOpen(target: Element): boolean {
  const isOpenSelect = CSS.supports("selector(select:open)") && target.matches("select:open");
  return isOpenSelect || document.querySelector("dialog[open]") !== null;
}
