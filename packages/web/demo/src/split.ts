import { element } from "./element.ts";

/** Shows the image before the attack on the left of the slider, after it on the right. */
export function split(): void {
  const { value } = element<HTMLInputElement>("split");
  element("compare").style.setProperty("--split", `${value}%`);
}
