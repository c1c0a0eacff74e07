import { dump } from "npyjs";
import {
  createAttack,
  type Attack,
  type AttackResult,
  type FileInput,
  type ImageTensor,
  type LabelMap,
  type ModelDescription,
  type StepRecord,
  type Verification,
  type WebAttackStep,
} from "@onnx-asma/web";
import { AttackControl } from "./attack-control.ts";
import { Curves } from "./curves.ts";
import { element, numberOf } from "./element.ts";
import { isolate } from "./isolate.ts";
import { classColours, contextOf, drawImage, drawLabels, fitCanvas } from "./picture.ts";
import { save } from "./save.ts";
import { TargetEditor } from "./target.ts";
import { describeInWords } from "./words.ts";

const bundled = {
  model: new URL("../../../../models/optic-disc.onnx", import.meta.url),
  image: new URL("../../../../models/retina.jpg", import.meta.url),
};

/** What is loaded. */
interface Scene {
  readonly attack: Attack;
  readonly image: ImageTensor;
  readonly prediction: LabelMap;
  readonly description: ModelDescription;
}

/** What an attack came to, as it is saved. */
interface Outcome {
  readonly scene: Scene;
  readonly result: AttackResult;
  readonly png: Uint8Array<ArrayBuffer>;
  readonly verdict: Verification;
}

let attack: Attack | undefined;
let scene: Scene | undefined;
let other: LabelMap | undefined;
let control: AttackControl | undefined;
let outcome: Outcome | undefined;
let names = { model: "optic-disc.onnx", image: "retina.jpg" };
let modelFiles: readonly File[] = [];
let imageFile: Blob | undefined;

const canvas = (id: string) => element<HTMLCanvasElement>(id);
const button = (id: string) => element<HTMLButtonElement>(id);
const curves = new Curves(element("curves"));
const editor = new TargetEditor(() => drawTarget());

function say(text: string): void {
  element("status").textContent = text;
}

function complain(error: unknown): void {
  const problem = element("problem");
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
  say("That did not work.");
}

/** Runs a task that the user asked for; its failure is said on the page. */
function attempt(task: () => Promise<void>): () => void {
  return () => {
    element("problem").hidden = true;
    task().catch(complain);
  };
}

let loads: Promise<void> = Promise.resolve();

/** Loads what has changed, after what is being loaded already. */
function load(what: { readonly model: boolean }): Promise<void> {
  const task = loads.then(() => loadNow(what));
  loads = task.catch(() => undefined);
  return task;
}

async function loadNow(what: { readonly model: boolean }): Promise<void> {
  control?.stop();
  showEnd(undefined);
  button("start").disabled = true;
  element("loading").hidden = false;
  try {
    if (what.model || attack === undefined) {
      await attack?.release();
      attack = undefined;
      scene = undefined;
      attack = await openModel();
    }
    const image = await attack.readImage(imageFile ?? (await (await fetch(bundled.image)).blob()));
    say("The model looks at the image…");
    const prediction = await attack.predict(image);
    const description = await attack.describe([image.dims[2], image.dims[3]]);
    other = undefined;
    scene = { attack, image, prediction, description };
    showScene(scene);
    say(`Ready: ${names.model} on ${names.image}. Start the attack, or choose another target.`);
  } finally {
    element("loading").hidden = true;
  }
}

async function openModel(): Promise<Attack> {
  const bar = element<HTMLProgressElement>("loading");
  const words = { model: "model", runtime: "ONNX Runtime", graph: "attack" };
  return await createAttack(modelSource(), {
    device: element<HTMLSelectElement>("device-choice").value as "auto",
    levels: 256,
    onProgress: ({ phase, loaded, total }) => {
      say(`Loading the ${words[phase]}…`);
      if (loaded !== undefined && total !== undefined) {
        [bar.max, bar.value] = [total, loaded];
      } else {
        bar.removeAttribute("value");
      }
    },
    onNotice: () => showDevice(),
  });
}

function modelSource() {
  const model = modelFiles.find(({ name }) => name.endsWith(".onnx"));
  if (model === undefined) {
    return bundled.model;
  }
  const data = modelFiles.filter((file) => file !== model);
  const externalData: Record<string, FileInput> = Object.fromEntries(
    data.map((file) => [file.name, file]),
  );
  return data.length === 0 ? model : { model, externalData };
}

function showScene({ image, prediction, description }: Scene): void {
  editor.setClasses(description.classNames);
  editor.reset(image);
  describeInWords(element("words"), description);
  element("legend").replaceChildren(
    ...description.classNames.slice(1).map((name, i) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.style.setProperty("--colour", classColours[i % classColours.length] as string);
      return item;
    }),
    Object.assign(document.createElement("li"), { textContent: "target", className: "outline" }),
  );
  drawScene("before", image, prediction);
  drawScene("after", image, prediction);
  drawTarget();
  showDevice();
  button("start").disabled = false;
}

function showDevice(): void {
  const backend = attack?.backend;
  if (backend !== undefined) {
    const device = backend.device === "wasm" ? "WebAssembly" : "WebGPU";
    const threads = `${backend.threads} thread${backend.threads === 1 ? "" : "s"}`;
    element("device").textContent = `${device}, ${threads}`;
    element("device").title = backend.notice ?? "";
  }
}

function drawScene(id: "before" | "after", image: ImageTensor, labels: LabelMap): void {
  drawImage(canvas(id), image);
  const { grid } = (scene as Scene).description;
  drawLabels(canvas(id), labels, image, grid.placement, { alpha: 0.4 });
}

function currentTarget(): LabelMap | undefined {
  return scene && editor.make({ ...scene, other });
}

function drawTarget(): void {
  if (scene === undefined) {
    return;
  }
  const draft = canvas("draft");
  fitCanvas(draft, scene.image);
  const context = contextOf(draft);
  context.clearRect(0, 0, draft.width, draft.height);
  const target = currentTarget();
  if (target !== undefined) {
    const { placement } = scene.description.grid;
    drawLabels(draft, target, scene.image, placement, { alpha: 0, outline: true });
  }
  const { cursor } = editor;
  if (cursor !== undefined) {
    const radius = ((numberOf("brush") / 100) * draft.width) / 2;
    context.strokeStyle = "#fff";
    context.beginPath();
    context.arc(cursor.x * draft.width, cursor.y * draft.height, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

async function start(): Promise<void> {
  const target = currentTarget();
  if (scene === undefined || target === undefined) {
    throw new Error("There is no target yet: choose the other image first.");
  }
  const current = scene;
  showEnd(undefined);
  setRunning(true);
  const trajectory: StepRecord[] = [];
  const watcher = new Watcher(current, trajectory);
  control = new AttackControl({
    step: (step) => watcher.show(step),
    paused: (isPaused) => {
      button("pause").textContent = isPaused ? "Resume" : "Pause";
      say(isPaused ? `Paused at step ${trajectory.length - 1}.` : "Going on.");
    },
  });
  try {
    say("Building the attack: the gradient of the model becomes a graph…");
    // The left part stays as it was, to compare with.
    element<HTMLInputElement>("split").value = "30";
    split();
    const iouThreshold = numberOf("threshold");
    const result = await control.run(current.attack, current.image, target, {
      iouThreshold,
      iterations: numberOf("iterations"),
    });
    say("Checking the bytes of the saved image…");
    const png = (await current.attack.encode(result.best.image)) as Uint8Array<ArrayBuffer>;
    const verdict = await current.attack.verify(png, target, {
      original: current.image,
      iouThreshold,
    });
    await showPictures(current, verdict);
    curves.draw(result.trajectory);
    showEnd({ scene: current, result, png, verdict });
  } finally {
    setRunning(false);
    showDevice();
  }
}

/** Shows steps: numbers of each, pictures as often as the screen and the processor allow. */
class Watcher {
  readonly #scene: Scene;
  readonly #trajectory: StepRecord[];
  #shownAt = 0;
  #saidAt = 0;

  constructor(current: Scene, trajectory: StepRecord[]) {
    this.#scene = current;
    this.#trajectory = trajectory;
  }

  async show(step: WebAttackStep): Promise<void> {
    this.#trajectory.push(step);
    element("step").textContent = String(step.step);
    element("iou").textContent = percent(step.iou);
    element("accuracy").textContent = percent(step.pixelAccuracy);
    element("l2").textContent = step.l2.toPrecision(3);
    element("linf").textContent = step.linf.toPrecision(3);
    element("time").textContent = `${Math.round(step.milliseconds)} ms`;
    const now = performance.now();
    if (now - this.#saidAt > 4000) {
      this.#saidAt = now;
      say(`Step ${step.step}: IoU with the target ${percent(step.iou)}.`);
    }
    if (now - this.#shownAt < 250 && !step.reached) {
      return;
    }
    const [image, prediction] = [await step.image(), await step.prediction()];
    await showPictures(this.#scene, { image, prediction, linf: step.linf });
    curves.draw(this.#trajectory);
    this.#shownAt = performance.now();
  }
}

/** Draws an iterate and its change, each in a frame of its own. */
async function showPictures(
  { image: original }: Scene,
  { image, prediction, linf }: Pick<Verification, "image" | "prediction" | "linf">,
): Promise<void> {
  await nextFrame();
  drawScene("after", image, prediction);
  await nextFrame();
  drawPerturbation(image, original, linf);
  await nextFrame();
}

/** The change in grey around the middle, amplified until its largest value is seen. */
function drawPerturbation(image: ImageTensor, original: ImageTensor, linf: number): void {
  const factor = linf > 0 ? 0.5 / linf : 1;
  drawImage(
    canvas("perturbation"),
    image,
    (i) => 0.5 + factor * ((image.data[i] as number) - (original.data[i] as number)),
  );
  element("perturbation-caption").textContent =
    `The change, amplified ${factor.toPrecision(2)} times.`;
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}

function setRunning(isRunning: boolean): void {
  button("start").disabled = isRunning || scene === undefined;
  button("pause").disabled = !isRunning;
  button("stop").disabled = !isRunning;
  button("pause").textContent = "Pause";
}

function showEnd(end: Outcome | undefined): void {
  outcome = end;
  for (const id of ["save-png", "save-npy", "save-json"]) {
    button(id).disabled = end === undefined;
  }
  if (end === undefined) {
    return;
  }
  const { result, verdict } = end;
  const ending =
    result.stopReason === "reached" ? "Reached" : result.reached ? "Ended, reached" : "Not reached";
  const text = `${ending} at step ${result.best.step} (${result.stopReason}).`;
  element("verdict").textContent =
    `The saved image: IoU ${percent(verdict.iou)}, pixel accuracy ${percent(verdict.pixelAccuracy)}, ` +
    `L2 ${verdict.l2.toPrecision(3)}, L∞ ${verdict.linf.toPrecision(3)}, under the untouched model.`;
  say(`${text} ${element("verdict").textContent}`);
}

/** A share as people write it; never rounded up to 100 %. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

function report({ scene: { attack: from, description, image }, result, verdict }: Outcome) {
  const { image: _1, prediction: _2, ...saved } = verdict;
  return {
    tool: "@onnx-asma/web",
    backend: from.backend,
    model: { file: names.model, ...description },
    image: { file: names.image, dims: image.dims },
    target: element<HTMLSelectElement>("kind").value,
    saved,
    stopReason: result.stopReason,
    bestStep: result.best.step,
    scale: result.scale,
    iouDefinition: result.iouDefinition,
    seconds: result.seconds,
    trajectory: result.trajectory,
  };
}

function split(): void {
  const { value } = element<HTMLInputElement>("split");
  element("compare").style.setProperty("--split", `${value}%`);
}

async function take(files: readonly File[]): Promise<void> {
  const image = files.find(({ type }) => type.startsWith("image/"));
  const isModel = files.some(({ name }) => name.endsWith(".onnx"));
  const data = files.filter((file) => file !== image);
  if (image === undefined && data.length === 0) {
    return;
  }
  if (image !== undefined) {
    imageFile = image;
    names = { ...names, image: image.name };
  }
  if (data.length > 0) {
    // A data file that comes alone belongs to the model before it.
    modelFiles = isModel ? data : [...modelFiles, ...data];
    const model = modelFiles.find(({ name }) => name.endsWith(".onnx"));
    names = { ...names, model: model?.name ?? names.model };
  }
  await load({ model: data.length > 0 });
}

function listen(): void {
  button("start").addEventListener("click", attempt(start));
  button("pause").addEventListener("click", () => control?.toggle());
  button("stop").addEventListener("click", () => control?.stop());
  element("split").addEventListener("input", split);
  element("device-choice").addEventListener(
    "change",
    attempt(() => load({ model: true })),
  );
  for (const id of ["model-file", "image-file"]) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener(
      "change",
      attempt(() => take([...(input.files ?? [])])),
    );
  }
  const otherInput = element<HTMLInputElement>("other");
  otherInput.addEventListener(
    "change",
    attempt(async () => {
      const file = otherInput.files?.[0];
      if (file !== undefined && attack !== undefined && scene !== undefined) {
        other = await attack.predict(await attack.readImage(file));
        drawTarget();
      }
    }),
  );
  const drop = element("drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("dropping");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("dropping"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("dropping");
    attempt(() => take([...(event.dataTransfer?.files ?? [])]))();
  });
  button("save-png").addEventListener("click", () => {
    if (outcome !== undefined) save("adversarial.png", outcome.png, "image/png");
  });
  button("save-npy").addEventListener("click", () => {
    if (outcome === undefined) return;
    const { data, dims } = outcome.result.best.image;
    save("adversarial.npy", dump(data, [...dims]), "application/octet-stream");
  });
  button("save-json").addEventListener("click", () => {
    if (outcome === undefined) return;
    save("result.json", JSON.stringify(report(outcome), undefined, 2), "application/json");
  });
}

listen();
split();
void isolate();
attempt(() => load({ model: true }))();
