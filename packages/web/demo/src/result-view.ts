import { percent, verdictWords } from "@onnx-asma/core/verdict-words";
import { encodeNpy, pixelsPerClass, type LabelMap } from "@onnx-asma/web";
import { element, listIn } from "./element.ts";
import { copyOf, type Outcome, type RecordedFiles } from "./outcome.ts";
import { save } from "./save.ts";
import { say } from "./say.ts";
import { inWords } from "./words.ts";
import { zipOf } from "./zip-of.ts";

const button = (id: string) => element<HTMLButtonElement>(id);

/** The buttons of the files that most people want. */
const buttons = {
  "save-png": "adversarial.png",
  "save-npy": "adversarial.npy",
  "save-json": "result.json",
} as const;

const types: Readonly<Record<string, string>> = {
  png: "image/png",
  json: "application/json",
  csv: "text/csv",
};

/** What the last attack came to, and the buttons that save it. */
export class ResultView {
  #outcome: Outcome | undefined;
  /** What the page says of results before there is one. */
  readonly #before = element("verdict").textContent;

  constructor() {
    for (const [id, name] of Object.entries(buttons)) {
      button(id).addEventListener("click", () => this.#save(name));
    }
    button("save-all").addEventListener("click", () => void this.#saveAll());
  }

  /** Shows what an attack came to; `undefined` clears it. */
  show(end: Outcome | undefined): void {
    this.#outcome = end;
    const files = this.#files;
    element("downloads").hidden = end === undefined;
    for (const [id, name] of Object.entries(buttons)) {
      button(id).disabled = !files.has(name);
    }
    button("save-all").disabled = end?.recorded === undefined;
    element("files").hidden = end?.recorded === undefined;
    element("file-list").replaceChildren(...[...files.keys()].map((name) => this.#entryOf(name)));
    listIn("notices", end?.result.notices.map(inWords) ?? []);
    element("verdict").classList.toggle("said", end !== undefined);
    element("change").textContent = "";
    if (end === undefined) {
      element("verdict").textContent = this.#before;
    } else if (end.recorded === undefined) {
      element("verdict").textContent =
        `The best image, of step ${end.result.best.step}, could not be checked.`;
    } else {
      this.#showVerdict(end, end.recorded);
    }
  }

  #showVerdict({ plan }: Outcome, { record, prediction }: RecordedFiles): void {
    const { goal, change } = verdictWords(record);
    const drawn = drawnInWords(prediction, plan.scene.description.classNames);
    element("verdict").textContent = goal;
    element("change").textContent = `${change} The model now draws ${drawn}.`;
    say(goal);
  }

  /** The files by name; where the model failed, the pixels alone. */
  get #files(): ReadonlyMap<string, Uint8Array> {
    const end = this.#outcome;
    if (end === undefined) {
      return new Map();
    }
    return (
      end.recorded?.files ?? new Map([[buttons["save-npy"], encodeNpy(end.result.best.image)]])
    );
  }

  #save(name: string): void {
    const files = this.#files;
    if (files.has(name)) {
      const ending = name.slice(name.lastIndexOf(".") + 1);
      save(name, copyOf(files, name), types[ending] ?? "application/octet-stream");
    }
  }

  async #saveAll(): Promise<void> {
    save("onnx-asma-results.zip", await zipOf(this.#files), "application/zip");
  }

  #entryOf(name: string): HTMLElement {
    const entry = document.createElement("li");
    const link = Object.assign(document.createElement("button"), {
      type: "button",
      textContent: name,
    });
    link.addEventListener("click", () => this.#save(name));
    entry.append(link);
    return entry;
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
