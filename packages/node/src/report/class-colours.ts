import { ignored, type LabelMap } from "@onnx-asma/core";
import { classColour, palette, type Rgb } from "../images/palette.ts";

/** A class that occurs, and its colour in all pictures of a result. */
export interface ShownClass {
  readonly label: number;
  readonly name: string;
  readonly colour: Rgb;
}

/**
 * The classes that occur in any of the label maps. Where the palette has a colour for each class of the model, each
 * keeps its own, and they come by number; otherwise those that cover most come first and get the colours that differ
 * most.
 *
 * @param names of all classes of the model
 */
export function classesIn(maps: readonly LabelMap[], names: readonly string[]): ShownClass[] {
  const pixels = new Map<number, number>();
  for (const { data } of maps) {
    for (const label of data) {
      if (label !== ignored) {
        pixels.set(label, (pixels.get(label) ?? 0) + 1);
      }
    }
  }
  const labels = [...pixels.keys()].toSorted((a, b) => a - b);
  const ranked = labels.toSorted((a, b) => (pixels.get(b) as number) - (pixels.get(a) as number));
  const hasOwn = names.length <= palette.length;
  return (hasOwn ? labels : ranked).map((label) => ({
    label,
    name: names[label] ?? `class ${label}`,
    colour: classColour(hasOwn ? label : ranked.indexOf(label)),
  }));
}

/** The colour of a label by the classes that are shown. */
export function colourFrom(classes: readonly ShownClass[]): (label: number) => Rgb {
  const colours = new Map(classes.map(({ label, colour }) => [label, colour]));
  return (label) => colours.get(label) ?? classColour(label);
}
