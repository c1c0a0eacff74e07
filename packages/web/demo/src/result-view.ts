import { encodeNpy, type AttackResult, type LabelMap } from "@onnx-asma/web";
import { element } from "./element.ts";
import { endingInWords, report, verdictInWords, type Outcome, type SavedImage } from "./outcome.ts";
import { save } from "./save.ts";
import { say } from "./say.ts";
import type { Scene } from "./scene.ts";

const button = (id: string) => element<HTMLButtonElement>(id);

/** What the last attack came to, and the buttons that save it. */
export class ResultView {
  #outcome: Outcome | undefined;
  /** What the page says of results before there is one. */
  readonly #before = element("verdict").textContent;

  constructor() {
    button("save-png").addEventListener("click", () => {
      const saved = this.#outcome?.saved;
      if (saved !== undefined) save("adversarial.png", saved.png, "image/png");
    });
    button("save-npy").addEventListener("click", () => {
      if (this.#outcome === undefined) return;
      const bytes = encodeNpy(this.#outcome.result.best.image);
      save("adversarial.npy", bytes, "application/octet-stream");
    });
    button("save-json").addEventListener("click", () => {
      if (this.#outcome === undefined) return;
      const text = JSON.stringify(report(this.#outcome), undefined, 2);
      save("result.json", text, "application/json");
    });
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Shows what an attack came to; `undefined` clears it. */
  show(end: Outcome | undefined): void {
    this.#outcome = end;
    button("save-png").disabled = end?.saved === undefined;
    for (const id of ["save-npy", "save-json"]) {
      button(id).disabled = end === undefined;
    }
    element("notices").replaceChildren(
      ...(end?.result.notices ?? []).map((notice) =>
        Object.assign(document.createElement("li"), { textContent: notice }),
      ),
    );
    element("verdict").textContent = this.#verdictOn(end);
    if (end?.saved !== undefined) {
      say(`${endingInWords(end)} ${verdictInWords(end.saved)}`);
    }
  }

  #verdictOn(end: Outcome | undefined): string {
    if (end === undefined) {
      return this.#before;
    }
    return end.saved === undefined
      ? `${endingInWords(end)} The best image by then was not checked.`
      : verdictInWords(end.saved);
  }
}

/** The bytes of the best image, and what the untouched model draws on what is read from them. */
export async function saveAndVerify(
  { model, image }: Scene,
  target: LabelMap,
  { best, options }: AttackResult,
): Promise<SavedImage> {
  const png = Uint8Array.from(await model.encode(best.image));
  const { iouThreshold, pixelAccuracyThreshold, iouDefinition, targeted } = options;
  const judging = { iouThreshold, pixelAccuracyThreshold, iouDefinition, targeted };
  return { png, verdict: await model.verify(png, target, { original: image, ...judging }) };
}
