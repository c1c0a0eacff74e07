import { button } from "./element.ts";

/** Which buttons of an attack can be pressed. */
export function setRunning(isRunning: boolean): void {
  button("start").disabled = isRunning;
  button("pause").disabled = !isRunning;
  button("stop").disabled = !isRunning;
  button("pause").textContent = "Pause";
}
