import {
  checkGoal,
  describePrediction,
  isAsmaError,
  parseChoice,
  predictionRemark,
  type AttackChoice,
  type AttackResult,
  type LabelMap,
} from "@onnx-asma/web";
import { AttackControl } from "./attack-control.ts";
import { AttackForm, numberIn } from "./attack-form.ts";
import { Curves } from "./curves.ts";
import { drawDevice } from "./draw-device.ts";
import { button, element } from "./element.ts";
import { onDrop } from "./on-drop.ts";
import { isolate } from "./isolate.ts";
import { classColours } from "./picture.ts";
import { ResultView, saveAndVerify } from "./result-view.ts";
import { say } from "./say.ts";
import {
  imageName,
  lackModel,
  modelName,
  openScene,
  withFiles,
  type Choice,
  type Scene,
} from "./scene.ts";
import { drawIterate, drawScene, drawTarget } from "./stage.ts";
import { setRunning } from "./set-running.ts";
import { split } from "./split.ts";
import { clearSteps, StepView } from "./step-view.ts";
import { TargetEditor } from "./target.ts";
import { describeInWords, inWords } from "./words.ts";

/** What is shown. */
let scene: Scene | undefined;
/** What was chosen last and could not be opened: a missing data file may still come. */
let refused: Choice | undefined;
/** What the model draws on the other image, for a target. */
let other: LabelMap | undefined;
let control: AttackControl | undefined;
/** Loading, attacking and starting afresh, one after the other. */
let work: Promise<void> = Promise.resolve();

const field = (id: string) => element<HTMLSelectElement>(id).value;
const curves = new Curves(element("curves"));
const form = new AttackForm();
const ending = new ResultView();
const editor = new TargetEditor(() => showTarget());

/** Does what the user asked for, after what is being done; a failure is said, and the page goes on. */
function attempt(task: () => Promise<void>): void {
  work = work.then(async () => {
    element("problem").hidden = true;
    try {
      await task();
    } catch (error) {
      complain(error);
      await startAfresh().catch(complain);
    }
  });
}

function complain(error: unknown): void {
  const problem = element("problem");
  problem.textContent = inWords(error instanceof Error ? error.message : String(error));
  problem.hidden = false;
  say("That did not work.");
}

/**
 * Loads the model again when its worker has died: memory ran out, or the GPU was lost. What an attack had
 * come to by then can still be saved.
 */
async function startAfresh(): Promise<void> {
  if (scene?.model.failure !== undefined) {
    const { choice } = scene;
    scene = undefined;
    const kept = ending.outcome;
    await show(choice);
    ending.show(kept);
  }
}

function currentChoice(): Choice {
  return {
    modelFiles: scene?.choice.modelFiles ?? [],
    imageFile: scene?.choice.imageFile,
    device: field("device-choice") as Choice["device"],
    normalisation: field("normalisation"),
  };
}

/** Ends a running attack, and shows what was chosen instead. */
function open(choice: () => Choice): void {
  control?.stop();
  attempt(async () => {
    const chosen = choice();
    refused = chosen;
    await show(chosen);
    refused = undefined;
  });
}

async function show(choice: Choice): Promise<void> {
  ending.show(undefined);
  button("start").disabled = true;
  const bar = element<HTMLProgressElement>("loading");
  bar.hidden = false;
  const words = { model: "model", runtime: "ONNX Runtime", graph: "attack" };
  const former = scene;
  try {
    scene = await openScene(choice, former, {
      say,
      notice: showDevice,
      progress: ({ phase, loaded, total }) => {
        say(`Loading the ${words[phase]}…`);
        if (loaded !== undefined && total !== undefined) {
          [bar.max, bar.value] = [total, loaded];
        } else {
          bar.removeAttribute("value");
        }
      },
    });
  } finally {
    bar.hidden = true;
    button("start").disabled = scene === undefined;
  }
  if (former !== undefined && former.model !== scene.model) {
    await former.model.release();
  }
  other = undefined;
  showScene(scene);
  say(
    `Ready: ${modelName(choice)} on ${imageName(choice)}. Start the attack, or choose another target.`,
  );
}

function showScene(shown: Scene): void {
  const { classNames } = shown.description;
  editor.setClasses(classNames);
  editor.reset(shown.image);
  describeInWords(element("words"), shown.description);
  element("legend").replaceChildren(
    ...classNames.slice(1).map((name, i) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.style.setProperty("--colour", classColours[i % classColours.length] as string);
      return item;
    }),
    Object.assign(document.createElement("li"), { textContent: "target", className: "outline" }),
  );
  const { prediction } = shown;
  element("clean").textContent = inWords(
    [describePrediction(prediction, classNames), predictionRemark(prediction, classNames)]
      .filter((text) => text !== undefined)
      .join(" "),
  );
  drawScene("before", shown, shown);
  clearSteps(shown, curves);
  showTarget();
  showDevice();
}

function showDevice(): void {
  if (scene !== undefined) {
    drawDevice(scene.model.backend);
  }
}

function currentTarget(): LabelMap | undefined {
  return scene && editor.make({ ...scene, other });
}

/** The target, and what is wrong with it beside it. */
function targetToDraw(): LabelMap | undefined {
  const problem = element("target-problem");
  problem.hidden = true;
  try {
    return currentTarget();
  } catch (error) {
    problem.textContent = inWords((error as Error).message);
    problem.hidden = false;
    return undefined;
  }
}

let isTargetDue = false;

/** Draws the target with the next frame: a pointer moves more often than the screen changes. */
function showTarget(): void {
  if (!isTargetDue) {
    isTargetDue = true;
    requestAnimationFrame(() => {
      isTargetDue = false;
      if (scene !== undefined) {
        drawTarget(scene, targetToDraw(), editor.cursor);
      }
    });
  }
}

/** What the fields say about the attack, for the target that they say. */
function currentAttack(): AttackChoice {
  return {
    ...form.choice,
    ...editor.runOptions,
    iouThreshold: numberIn(element<HTMLInputElement>("threshold")),
    iterations: numberIn(element<HTMLInputElement>("iterations")),
  };
}

async function attack(): Promise<void> {
  const target = currentTarget();
  if (scene === undefined || target === undefined) {
    throw new Error("There is no target yet: choose the other image first.");
  }
  const attacked = scene;
  const choice = currentAttack();
  checkGoal({ ...attacked, target, run: parseChoice(choice, [attacked.image]).run });
  const kind = editor.kind;
  ending.show(undefined);
  const view = new StepView(attacked, curves);
  control = new AttackControl({
    step: (step) => view.show(step),
    paused: () => say(`Paused at step ${view.trajectory.length - 1}.`),
  });
  setRunning(true);
  try {
    say("Building the attack: the gradient of the model becomes a graph…");
    // The left part stays as it was, to compare with.
    element<HTMLInputElement>("split").value = "30";
    split();
    const { model, image } = attacked;
    const result = await control.run(model, image, target, choice);
    say("Checking the bytes of the saved image…");
    const saved = await saveAndVerify(attacked, target, result);
    await drawIterate(attacked, saved.verdict);
    curves.draw(result.trajectory);
    ending.show({ scene: attacked, target: kind, result, saved });
  } catch (error) {
    if (isAsmaError(error) && error.partial !== undefined) {
      const result = error.partial as AttackResult;
      ending.show({ scene: attacked, target: kind, result, saved: undefined });
    }
    throw error;
  } finally {
    control = undefined;
    setRunning(false);
    showDevice();
  }
}

function pause(): void {
  const isPausing = control?.toggle() === true;
  button("pause").textContent = isPausing ? "Resume" : "Pause";
  say(isPausing ? "Pausing after this step…" : "Going on.");
}

function take(files: readonly File[]): void {
  if (files.length > 0) {
    open(() => withFiles((lackModel(files) ? refused : undefined) ?? currentChoice(), files));
  }
}

function listen(): void {
  button("start").addEventListener("click", () => attempt(attack));
  button("pause").addEventListener("click", pause);
  button("stop").addEventListener("click", () => control?.stop());
  element("split").addEventListener("input", split);
  for (const id of ["device-choice", "normalisation"]) {
    element(id).addEventListener("change", () => open(currentChoice));
  }
  for (const id of ["model-file", "image-file"]) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener("change", () => take([...(input.files ?? [])]));
    // The same file may be chosen again, after it was mended.
    input.addEventListener("click", () => {
      input.value = "";
    });
  }
  const otherInput = element<HTMLInputElement>("other");
  otherInput.addEventListener("change", () =>
    attempt(async () => {
      const file = otherInput.files?.[0];
      if (file !== undefined && scene !== undefined) {
        other = await scene.model.predict(await scene.model.readImage(file));
        showTarget();
      }
    }),
  );
  onDrop(take);
}

listen();
split();
void isolate();
open(currentChoice);
