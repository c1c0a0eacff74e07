import type { ModelDescription } from "@onnx-asma/web";

/** Puts what a model was taken to mean into words. */
export function describeInWords(parent: HTMLElement, description: ModelDescription): void {
  const { head, grid, preprocessing, classNames } = description;
  const [height, width] = preprocessing.imageSize;
  const pairs: (readonly [string, string])[] = [
    ["It takes", `an image of ${width}×${height} pixels`],
    ["It draws", `${classNames.join(", ")} on ${grid.size[1]}×${grid.size[0]} pixels`],
    ["Read from", `output '${head.output}', scores '${head.scores}'`],
    ...description.decisions.map(({ what, is, because }) => [what, `${is} (${because})`] as const),
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
