import {
  allAttacks,
  defaultAttack,
  describeOptions,
  findAttack,
  type AttackChoice,
  type OptionDescription,
} from "@onnx-asma/web";
import { element } from "./element.ts";

/** What is shown in a field that is left to the attack. */
const automatic = "automatic";

/** A field of the form: its element, and what it says; `undefined` where it is left to the attack. */
interface Field {
  readonly input: HTMLInputElement | HTMLSelectElement;
  readonly value: () => unknown;
}

/** The choice of an attack, and a form of its options that is made from their descriptions. */
export class AttackForm {
  readonly #select = element<HTMLSelectElement>("attack");
  #fields = new Map<string, Field>();

  constructor() {
    this.#select.replaceChildren(
      ...allAttacks().map(
        ({ name, title }) => new Option(title, name, false, name === defaultAttack),
      ),
    );
    this.#select.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** Name and options, as they are passed to the attack. */
  get choice(): AttackChoice {
    const options = [...this.#fields].map(([key, { value }]) => [key, value()] as const);
    return { attack: this.#select.value, ...Object.fromEntries(options) } as AttackChoice;
  }

  /** Ids of the fields. */
  get fields(): readonly string[] {
    return [...this.#fields.keys()].map((key) => `option-${key}`);
  }

  #show(): void {
    const { summary, paper, options } = findAttack(this.#select.value);
    element("attack-summary").textContent = summary;
    element("paper").textContent = paper;
    const described = describeOptions(options);
    this.#fields = new Map(described.map((option) => [option.key, fieldOf(option)]));
    element("attack-fields").replaceChildren(
      ...described.map(({ key, description }) => {
        const label = document.createElement("label");
        const text = document.createElement("span");
        const { input } = this.#fields.get(key) as Field;
        text.textContent = description;
        input.id = `option-${key}`;
        label.className = input.type === "checkbox" ? "check" : "";
        label.append(text, input);
        return label;
      }),
    );
  }
}

function fieldOf(option: OptionDescription): Field {
  const initial = option.default;
  switch (option.kind) {
    case "choice": {
      const input = document.createElement("select");
      const choices = (option.choices ?? []).map(
        (choice) => new Option(choice, choice, false, choice === initial),
      );
      input.append(...(initial === undefined ? [new Option(automatic, "")] : []), ...choices);
      return { input, value: () => input.value || undefined };
    }
    case "boolean": {
      const input = document.createElement("input");
      input.type = "checkbox";
      input.checked = initial === true;
      return { input, value: () => input.checked };
    }
    case "numbers": {
      const input = document.createElement("input");
      input.placeholder = automatic;
      input.value = Array.isArray(initial) ? initial.join(", ") : "";
      return { input, value: () => numbersIn(input.value) };
    }
    default: {
      const input = document.createElement("input");
      input.type = "number";
      input.step = "any";
      input.min = String(option.min ?? "");
      input.max = String(option.max ?? "");
      input.placeholder = automatic;
      input.value = String(initial ?? "");
      return { input, value: () => numberIn(input) };
    }
  }
}

/** What a number field says; `undefined` when it is empty. */
export function numberIn(input: HTMLInputElement): number | undefined {
  return input.value === "" && !input.validity.badInput ? undefined : input.valueAsNumber;
}

function numbersIn(text: string): number[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  return parts.length === 0 ? undefined : parts.map(Number);
}
