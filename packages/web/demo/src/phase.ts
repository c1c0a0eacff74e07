import { hideAndFocus, setOn } from "./buttons.ts";
import { element } from "./element.ts";

/**
 * What the page is doing: opening a model or a picture, nothing since what was chosen last failed or was
 * cancelled, waiting for the start, attacking.
 */
export type Phase = "loading" | "failed" | "ready" | "running";

let current: Phase = "loading";
let ticking: ReturnType<typeof setInterval> | undefined;

/** What the page is doing. */
export function phase(): Phase {
  return current;
}

/** Says what the page is doing: which buttons can be pressed and which fields are fixed follows. */
export function enter(next: Phase): void {
  current = next;
  document.body.dataset["phase"] = next;
  setOn("start", next === "ready");
  setOn("pause", next === "running");
  setOn("stop", next === "running");
  element("pause").textContent = "Pause";
  element("stop").textContent = "Stop";
  for (const id of ["model-fields", "target-fields", "attack-set"]) {
    element<HTMLFieldSetElement>(id).disabled = next === "running";
  }
  element("draft").setAttribute("aria-disabled", String(next === "running"));
  setOn("bundled", next !== "running");
  if (next === "loading") {
    element("progress").hidden = false;
    element<HTMLProgressElement>("loading").removeAttribute("value");
  } else {
    hideAndFocus(element("progress"), element("start"));
  }
  countSeconds(next === "loading");
}

/** Shows how long loading takes; screen readers are not told every second. */
function countSeconds(isOn: boolean): void {
  const elapsed = element("elapsed");
  elapsed.textContent = "";
  clearInterval(ticking);
  if (isOn) {
    const began = performance.now();
    ticking = setInterval(() => {
      elapsed.textContent = `${Math.round((performance.now() - began) / 1000)} s`;
    }, 1000);
  }
}
