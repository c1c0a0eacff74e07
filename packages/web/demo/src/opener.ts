import {
  chosenInWords,
  hasSameModel,
  imageName,
  isBundled,
  modelName,
  type Choice,
  type Settings,
} from "./choice.ts";
import { hideAndFocus } from "./buttons.ts";
import { element, valueOf } from "./element.ts";
import { enter } from "./phase.ts";
import { complainAt, mended } from "./problems.ts";
import { say } from "./say.ts";
import { OpeningError, openScene, reopen, type Opening, type Scene } from "./scene.ts";
import { inWords } from "./words.ts";

const fields = [
  "model-file",
  "image-file",
  "normalisation",
  "class-names",
  "device-choice",
] as const;

/** What is told about opening. */
export interface OpenerEvents {
  /** Another scene is there. */
  opened(scene: Scene): void;
  /** What computes may be another. */
  device(): void;
}

/** Opens what the user chooses, one after the other; says what is wrong with it; lets it be cancelled. */
export class Opener {
  /** What is shown. */
  scene: Scene | undefined;
  /** What is being opened, or could not be: a missing data file may still come. */
  #pending: Choice | undefined;
  #abort = new AbortController();
  #work: Promise<void> = Promise.resolve();
  readonly #events: OpenerEvents;

  constructor(events: OpenerEvents) {
    this.#events = events;
  }

  /** The files that were chosen, with the settings as the fields say them. */
  get choice(): Choice {
    const { modelFiles = [], imageFile } = this.#pending ?? this.scene?.choice ?? {};
    return { modelFiles, imageFile, ...settings() };
  }

  /** Opens a choice in place of the one that is being opened. */
  open(choice: Choice): void {
    this.#do(choice, async (opening) => {
      const former = this.scene;
      const scene = await openScene(choice, former, opening);
      this.scene = scene;
      if (former !== undefined && former.model !== scene.model) {
        await former.model.release();
      }
      mended(...fields);
      this.#events.opened(scene);
    });
  }

  /** Loads the model again when its worker has ended, for want of memory, say; pictures and results stay. */
  revive(): void {
    const { scene } = this;
    if (scene?.model.failure !== undefined) {
      this.#do(scene.choice, async (opening) => {
        this.scene = await reopen(scene, opening);
      });
    }
  }

  /** Leaves what is being opened, and goes back to what was there. */
  cancel(): void {
    this.#pending = undefined;
    this.#abort.abort();
  }

  /** Goes back to what was there before something could not be opened. */
  #keep(scene: Scene): void {
    this.#pending = undefined;
    mended(...fields);
    setSettings(scene.choice);
    if (scene.model.failure === undefined) {
      this.#ready(scene);
    } else {
      this.revive();
    }
  }

  #do(choice: Choice, task: (opening: Opening) => Promise<void>): void {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#pending = choice;
    setSettings(choice);
    enter("loading");
    this.#work = this.#work.then(async () => {
      const failure = await task(this.#opening(abort.signal)).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (!abort.signal.aborted && failure !== undefined) {
        this.#fail(failure.error, choice);
      } else if (!abort.signal.aborted) {
        this.#pending = undefined;
        this.#ready(this.scene as Scene);
      } else if (this.#pending === undefined) {
        this.#goBack(choice);
      }
      this.#showChosen();
      this.#events.device();
    });
  }

  /** After opening a choice was cancelled. */
  #goBack(choice: Choice): void {
    const { scene } = this;
    if (scene !== undefined && (scene.model.failure === undefined || scene.choice !== choice)) {
      this.#keep(scene);
      return;
    }
    enter("failed");
    say(`Cancelled: ${modelName(choice)} is not loaded.`);
    const again = { label: `Load ${modelName(choice)}`, take: () => this.#again(choice) };
    complainAt("model-file", `${modelName(choice)} is not loaded: that was cancelled.`, again);
  }

  #again(choice: Choice): void {
    if (this.scene === undefined) {
      this.open(choice);
    } else {
      this.#keep(this.scene);
    }
  }

  #ready(scene: Scene): void {
    enter("ready");
    say(
      `Ready: ${modelName(scene.choice)} on ${imageName(scene.choice)}. Start the attack, or choose another target.`,
    );
  }

  #showChosen(): void {
    const { scene } = this;
    element("chosen").textContent =
      scene === undefined ? "Nothing is loaded." : chosenInWords(scene.choice);
    const button = element("bundled");
    if (scene !== undefined && isBundled(scene.choice) && this.#pending === undefined) {
      hideAndFocus(button, element("start"));
    } else {
      button.hidden = false;
    }
  }

  #opening(signal: AbortSignal): Opening {
    const bar = element<HTMLProgressElement>("loading");
    const words = { model: "model", runtime: "ONNX Runtime", graph: "attack" };
    const ifCurrent = (text: string) => {
      if (!signal.aborted) {
        say(text);
      }
    };
    return {
      signal,
      notice: () => this.#events.device(),
      say: (text) => {
        bar.removeAttribute("value");
        ifCurrent(text);
      },
      progress: ({ phase, loaded, total }) => {
        ifCurrent(`Loading the ${words[phase]}…`);
        if (loaded !== undefined && total !== undefined) {
          [bar.max, bar.value] = [total, loaded];
        } else {
          bar.removeAttribute("value");
        }
      },
    };
  }

  /** Says what is wrong beside its field. Of a picture alone nothing else is wrong: the one before stays. */
  #fail(error: unknown, choice: Choice): void {
    const { scene } = this;
    const field = error instanceof OpeningError ? error.field : "model-file";
    const isPicture = field === "image-file";
    const isPictureAlone = isPicture && scene !== undefined && hasSameModel(choice, scene.choice);
    this.#pending = isPictureAlone
      ? undefined
      : { ...choice, imageFile: isPicture ? scene?.choice.imageFile : choice.imageFile };
    mended(...fields);
    const name = isPicture ? imageName(choice) : modelName(choice);
    complainAt(field, inWords(naming(error, name)), scene && this.#wayBack(scene, isPictureAlone));
    document.getElementById(`${field}-problem`)?.scrollIntoView({ block: "nearest" });
    if (isPictureAlone) {
      enter("ready");
      this.revive();
    } else {
      enter("failed");
    }
    say(`${name} could not be opened.`);
  }

  #wayBack(scene: Scene, isPictureAlone: boolean) {
    const kept = (isPictureAlone ? imageName : modelName)(scene.choice);
    return { label: `Keep ${kept}`, take: () => this.#keep(scene) };
  }
}

/** What went wrong, with the name of the file that it is about. */
function naming(error: unknown, name: string): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.includes(name) ? text : `${name}: ${text}`;
}

function settings(): Settings {
  return {
    device: valueOf("device-choice") as Settings["device"],
    normalisation: valueOf("normalisation"),
    classNames: valueOf("class-names"),
  };
}

function setSettings({ device, normalisation, classNames }: Settings): void {
  element<HTMLSelectElement>("device-choice").value = device;
  element<HTMLSelectElement>("normalisation").value = normalisation;
  element<HTMLInputElement>("class-names").value = classNames;
}
