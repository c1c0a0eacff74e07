import {
  checkGoal,
  isAsmaError,
  parseChoice,
  type AttackChoice,
  type LabelMap,
  type ParsedChoice,
} from "@onnx-asma/web";
import { numberIn, type AttackForm } from "./attack-form.ts";
import type { Aims } from "./curves.ts";
import { element } from "./element.ts";
import { complainAt, mended } from "./problems.ts";
import type { Scene } from "./scene.ts";
import type { TargetEditor } from "./target.ts";
import { inWords } from "./words.ts";

/** An attack as the fields say it, checked. */
export interface Plan {
  readonly scene: Scene;
  readonly target: LabelMap;
  /** How the target is made. */
  readonly kind: string;
  /** The file that it is made of. */
  readonly file: File | undefined;
  readonly choice: AttackChoice;
  readonly aims: Aims;
  /** The field that an error of this attack is to be blamed on. */
  fieldOf(error: unknown): string;
}

const targetFields = ["kind", "other", "mask-file"] as const;

/** Makes plans of what the fields say, and says what is wrong beside the field that it is wrong with. */
export class Planner {
  readonly #editor: TargetEditor;
  readonly #form: AttackForm;

  constructor(editor: TargetEditor, form: AttackForm) {
    this.#editor = editor;
    this.#form = form;
  }

  /**
   * The attack as the fields say it; `undefined` where something is wrong with them.
   *
   * @param isAsked whether it is to be started: until then nobody is told to choose a file
   */
  plan(scene: Scene, isAsked: boolean): Plan | undefined {
    const parsed = this.#parse(scene);
    mended(...targetFields);
    try {
      const target = this.#editor.make(scene);
      if (parsed === undefined) {
        return undefined;
      }
      const { choice, run, aims } = parsed;
      checkGoal({ ...scene, target, run });
      const { kind, file } = this.#editor;
      const fieldOf = (error: unknown) => this.#fieldOf(error);
      return { scene, target, kind, file, choice, aims, fieldOf };
    } catch (error) {
      if (isAsked || isAsmaError(error)) {
        const { field, file } = this.#editor;
        const text = inWords((error as Error).message);
        complainAt(field, file && !text.includes(file.name) ? `${file.name}: ${text}` : text);
      }
      return undefined;
    }
  }

  #parse(scene: Scene) {
    mended("threshold", "iterations", ...this.#form.fields);
    const choice: AttackChoice = {
      ...this.#form.choice,
      ...this.#editor.runOptions,
      iouThreshold: numberIn(element<HTMLInputElement>("threshold")),
      iterations: numberIn(element<HTMLInputElement>("iterations")),
    };
    try {
      const parsed = parseChoice(choice, [scene.image]);
      return { choice, run: parsed.run, aims: aimsOf(parsed) };
    } catch (error) {
      complainAt(this.#fieldOf(error), inWords((error as Error).message));
      return undefined;
    }
  }

  #fieldOf(error: unknown): string {
    if (!isAsmaError(error)) {
      return "start";
    }
    if (/^ERR_(TARGET|CLASS_ABSENT)/.test(error.code)) {
      return this.#editor.field;
    }
    if (!/^ERR_(OPTION|STEP_SIZE|FLAVOUR)$/.test(error.code)) {
      return "start";
    }
    const own: Readonly<Record<string, string>> = {
      iouThreshold: "threshold",
      iterations: "iterations",
    };
    const known = [error.details["option"], ...error.options]
      .map((key) => own[String(key)] ?? `option-${String(key)}`)
      .find((id) => document.getElementById(id) !== null);
    return known ?? "start";
  }
}

function aimsOf({ definition, attackOptions, run }: ParsedChoice): Aims {
  const epsilon = definition.budget?.(attackOptions);
  const norm = definition.norm(attackOptions);
  return { run, budget: epsilon === undefined ? undefined : { norm, epsilon } };
}
