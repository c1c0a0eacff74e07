import { percent } from "@onnx-asma/core/verdict-words";
import { encodeNpy, pixelsPerClass, type AttackResult, type LabelMap } from "@onnx-asma/web";
import { element, listIn } from "./element.ts";
import { measureVisibility } from "./measure-visibility.ts";
import { report, verdictOn, type Outcome, type SavedImage } from "./outcome.ts";
import { save } from "./save.ts";
import { say } from "./say.ts";
import type { Scene } from "./scene.ts";
import { inWords } from "./words.ts";

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

  /** Shows what an attack came to; `undefined` clears it. */
  show(end: Outcome | undefined): void {
    this.#outcome = end;
    element("downloads").hidden = end === undefined;
    element("verdict").classList.toggle("said", end !== undefined);
    button("save-png").disabled = end?.saved === undefined;
    for (const id of ["save-npy", "save-json"]) {
      button(id).disabled = end === undefined;
    }
    listIn("notices", end?.result.notices.map(inWords) ?? []);
    element("change").textContent = "";
    if (end === undefined) {
      element("verdict").textContent = this.#before;
    } else if (end.saved === undefined) {
      element("verdict").textContent =
        `The attack failed at step ${end.result.last.step}. The best image by then, of step ${end.result.best.step}, was not checked.`;
    } else {
      this.#showVerdict(end, end.saved);
    }
  }

  #showVerdict(end: Outcome, saved: SavedImage): void {
    const { goal, change } = verdictOn(end, saved);
    const drawn = drawnInWords(saved.verdict.prediction, end.scene.description.classNames);
    element("verdict").textContent = goal;
    element("change").textContent = `${change} The model now draws ${drawn}.`;
    say(goal);
  }
}

/** The classes that are drawn, each with its share. */
function drawnInWords(prediction: LabelMap, classNames: readonly string[]): string {
  return pixelsPerClass(prediction, classNames.length)
    .flatMap((count, c) =>
      count === 0 ? [] : [`${classNames[c]} ${percent(count / prediction.data.length)}`],
    )
    .join(", ");
}

/** The bytes of the best image, what the untouched model draws on what is read from them, and what can be seen. */
export async function saveAndVerify(
  { model, image }: Scene,
  target: LabelMap,
  { best, options }: AttackResult,
): Promise<SavedImage> {
  const png = Uint8Array.from(await model.encode(best.image));
  const { iouThreshold, pixelAccuracyThreshold, iouDefinition, targeted } = options;
  const judging = { iouThreshold, pixelAccuracyThreshold, iouDefinition, targeted };
  const verdict = await model.verify(png, target, { original: image, ...judging });
  return { png, verdict, visibility: await measureVisibility(verdict.image, image) };
}
