import { describePrediction, pixelsPerClass } from "@onnx-asma/web";
import { AttackForm } from "./attack-form.ts";
import { onPress } from "./buttons.ts";
import { bundledChoice, withFiles } from "./choice.ts";
import { colourOf } from "./colours.ts";
import { Curves } from "./curves.ts";
import { drawDevice } from "./draw-device.ts";
import { element, listIn } from "./element.ts";
import { isolate } from "./isolate.ts";
import { onDrop } from "./on-drop.ts";
import { onEscape } from "./on-escape.ts";
import { Opener } from "./opener.ts";
import { phase } from "./phase.ts";
import { Planner } from "./planner.ts";
import { complainAt, mended } from "./problems.ts";
import { showRanges } from "./ranges.ts";
import { ResultView } from "./result-view.ts";
import { Runner } from "./runner.ts";
import { say } from "./say.ts";
import type { Scene } from "./scene.ts";
import { Stage } from "./stage.ts";
import { clearSteps } from "./step-view.ts";
import { TargetEditor } from "./target.ts";
import { TargetFiles, type FileKind } from "./target-files.ts";
import { describeInWords, inWords } from "./words.ts";
import { ZoomControl } from "./zoom-control.ts";

/** A target is checked when it has been still for so many milliseconds. */
const stillness = 150;

const stage = new Stage();
const curves = new Curves();
const ending = new ResultView();
const form = new AttackForm();
const files = new TargetFiles(() => showTarget());
const editor = new TargetEditor(files, () => showTarget());
const planner = new Planner(editor, form);
const opener = new Opener({ opened: showScene, device: showDevice });
const runner = new Runner({ stage, curves, ending }, () => opener.revive());
const zoom = new ZoomControl(stage, () =>
  phase() === "running"
    ? undefined
    : {
        isOn: editor.isPointed,
        point: (at) => editor.point(at),
        press: (key) => editor.press(key),
      },
);

function showScene(scene: Scene): void {
  const { description, prediction, image } = scene;
  const { classNames } = description;
  ending.show(undefined);
  editor.setClasses(classNames);
  editor.reset(image);
  describeInWords(element("words"), description);
  showLegend(scene);
  element("clean").textContent = inWords(describePrediction(prediction, classNames));
  listIn("remarks", (prediction.notices ?? []).map(inWords));
  zoom.reset();
  stage.show(scene);
  clearSteps(stage, curves);
  mended("start");
  showTarget();
}

/** Of many classes those that are drawn. */
function showLegend({ description, prediction }: Scene): void {
  const { classNames } = description;
  const counts = pixelsPerClass(prediction, classNames.length);
  const shown = classNames
    .map((name, label) => ({ name, label }))
    .filter(({ label }) => label > 0 && (classNames.length <= 12 || counts[label] !== 0));
  listIn("legend", [...shown.map(({ name }) => name), "target"]);
  [...element("legend").children].forEach((item, i) => {
    const entry = shown[i];
    item.className = entry === undefined ? "outline" : "";
    if (entry !== undefined) {
      (item as HTMLElement).style.setProperty("--colour", colourOf(entry.label));
    }
  });
}

function showDevice(): void {
  if (opener.scene !== undefined) {
    drawDevice(opener.scene.model.backend);
  }
}

let checking: ReturnType<typeof setTimeout> | undefined;

/** Draws the target, and says what is wrong with it once it is still. */
function showTarget(): void {
  const { scene } = opener;
  if (scene === undefined) {
    return;
  }
  const { kind } = editor;
  if (files.isDue(kind, scene)) {
    void readTarget(kind as FileKind, scene);
    return;
  }
  stage.showDraft(() => {
    try {
      return { target: editor.make(scene), cursor: editor.cursor };
    } catch {
      // Said when it is checked.
      return { target: undefined, cursor: editor.cursor };
    }
  });
  clearTimeout(checking);
  checking = setTimeout(check, stillness);
}

function check(): void {
  if (opener.scene !== undefined && phase() !== "running") {
    planner.plan(opener.scene, false);
  }
}

/** Reads the file that a target is made from. */
async function readTarget(kind: FileKind, scene: Scene): Promise<void> {
  const { field } = editor;
  const name = files.fileOf(kind)?.name as string;
  say(`Reading ${name}…`);
  try {
    await files.read(kind, scene);
    mended(field);
    say(`The target is ${kind === "mask" ? name : `what the model draws on ${name}`}.`);
    showTarget();
  } catch (error) {
    files.forget(kind);
    const text = inWords((error as Error).message);
    complainAt(field, text.includes(name) ? text : `${name}: ${text}`);
    say(`${name} could not be read.`);
    opener.revive();
  }
}

function start(): void {
  clearTimeout(checking);
  const plan = opener.scene && planner.plan(opener.scene, true);
  if (plan === undefined) {
    say("Not started: see the message beside the field that it is about.");
  } else {
    void runner.run(plan);
  }
}

function take(dropped: readonly File[], zone?: string): void {
  const [first] = dropped;
  if (first === undefined) {
    return;
  }
  if (phase() === "running") {
    say("An attack is running: stop it first.");
  } else if (zone === "other" || zone === "mask") {
    files.take(zone, first);
    showTarget();
  } else if (zone === "image-file") {
    // Whatever it is: what is no picture is to be refused as one.
    opener.open({ ...opener.choice, imageFile: first });
  } else {
    opener.open(withFiles(opener.choice, dropped));
  }
}

function listen(): void {
  onPress("start", start);
  onPress("pause", () => runner.pause());
  onPress("stop", () => runner.stop(true));
  onPress("cancel", () => opener.cancel());
  onPress("bundled", () => opener.open(bundledChoice(opener.choice)));
  for (const id of ["device-choice", "normalisation", "class-names"]) {
    element(id).addEventListener("change", () => opener.open(opener.choice));
  }
  element("attack-set").addEventListener("change", check);
  for (const id of ["model-file", "image-file"]) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener("change", () => take([...(input.files ?? [])], id));
    // The same file may be chosen again, after it was mended.
    input.addEventListener("click", () => {
      input.value = "";
    });
  }
  onDrop(take);
  onEscape(() => {
    if (phase() === "loading") {
      opener.cancel();
    } else {
      runner.stop(false);
    }
  });
}

/** What takes room on a small screen is folded there. */
function fold(): void {
  if (matchMedia("(max-width: 40rem)").matches) {
    for (const part of document.querySelectorAll("details[data-short]")) {
      part.removeAttribute("open");
    }
  }
}

listen();
showRanges();
fold();
void isolate();
opener.open(opener.choice);
