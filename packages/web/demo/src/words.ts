import {
  normalisations,
  sayOptions,
  type ModelDescription,
  type Normalisation,
} from "@onnx-asma/web";
import { element } from "./element.ts";

/** Fields of this page, by the options that they set. */
const fields: Readonly<Record<string, string>> = {
  range: "“Pixel values for the model”",
  mean: "“Pixel values for the model”",
  std: "“Pixel values for the model”",
  device: "“Device”",
  iterations: "“Steps at most”",
  iouThreshold: "“IoU to reach”",
  classes: "“Names of the classes”",
  preprocessor: "the file preprocessor_config.json",
};

/** A text of the library with its options named as this page names them. */
export function inWords(text: string): string {
  const said = sayOptions(text, (key, value) => {
    if (key === "preprocessor" && value === "false") {
      return "a choice of files without it";
    }
    const field = fields[key];
    const choice = value === undefined ? undefined : normalisationOf(key, value);
    return choice === undefined
      ? (field ?? labelOf(key) ?? `“${key}” (an option of the library)`)
      : `${field}: “${choice}”`;
  });
  // Several options may be one field here.
  return said.replace(/(“[^”]+”)(?:(?:,? and|,| or) \1)+/g, "$1");
}

/** The label of an attack's option, where the form has a field for it; without what stands in brackets or behind a colon. */
function labelOf(key: string): string | undefined {
  const label = document.getElementById(`option-${key}`)?.closest("label")?.textContent;
  return label && `“${label.replace(/(:| \().*/, "")}”`;
}

/** What the field of pixel values calls an option's value, where it offers it. */
function normalisationOf(key: string, value: string): string | undefined {
  const found = Object.entries<Normalisation>(normalisations).find(([name, { range, mean }]) =>
    key === "mean"
      ? value === JSON.stringify(name)
      : key === "range" && mean === undefined && value === JSON.stringify(range),
  );
  return element("normalisation").querySelector(`option[value="${found?.[0]}"]`)?.textContent;
}

/** Puts what a model was taken to mean into words. */
export function describeInWords(parent: HTMLElement, description: ModelDescription): void {
  const { head, grid, preprocessing, classNames } = description;
  const [height, width] = preprocessing.imageSize;
  const pairs: (readonly [string, string])[] = [
    ["It takes", `an image of ${width}×${height} pixels`],
    ["It draws", `${classNames.join(", ")} on ${grid.size[1]}×${grid.size[0]} pixels`],
    ["Read from", `output '${head.output}', scores '${head.scores}'`],
    ...description.decisions.map(
      ({ what, is, because, isUnsure }) =>
        [what, inWords(`${is} (${isUnsure === true ? "unsure: " : ""}${because})`)] as const,
    ),
  ];
  parent.replaceChildren(
    ...pairs.map(([term, text]) => {
      const row = document.createElement("div");
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = term;
      dd.textContent = text;
      row.append(dt, dd);
      return row;
    }),
  );
}
