/** Shows beside each slider what it says, and lets it say so to screen readers. */
export function showRanges(): void {
  for (const range of document.querySelectorAll<HTMLInputElement>("input[type=range]")) {
    const unit = range.dataset["unit"];
    const output = document.querySelector(`output[for="${range.id}"]`);
    const show = () => {
      const said = `${Math.round(range.valueAsNumber)}${unit === undefined ? "" : ` ${unit}`}`;
      range.setAttribute("aria-valuetext", said);
      if (output !== null) {
        output.textContent = said;
      }
    };
    range.addEventListener("input", show);
    show();
  }
}
