/** An sRGB colour, 0..255 each. */
export type Rgb = readonly [number, number, number];

/**
 * Colours of classes, told apart with every common colour vision: black for class 0 (background),
 * then the Okabe-Ito order, brightest contrast first. Classes beyond the list repeat it darker.
 */
export const palette: readonly Rgb[] = [
  [24, 26, 31],
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [0, 114, 178],
  [204, 121, 167],
  [153, 153, 153],
];

/** Colour of ignored pixels. */
export const ignoreColour: Rgb = [255, 255, 255];

/** The colour of a class, 0 being background. */
export function classColour(label: number): Rgb {
  const known = palette[label];
  if (known) return known;
  const colours = palette.length - 1;
  const k = Math.max(0, label - 1);
  const [r, g, b] = palette[1 + (k % colours)] as Rgb;
  const shade = [0.68, 0.45, 0.85, 0.55][(Math.floor(k / colours) - 1) % 4] ?? 1;
  return [Math.round(r * shade), Math.round(g * shade), Math.round(b * shade)];
}
