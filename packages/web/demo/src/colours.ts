/** Colours of classes 1, 2, …; class 0 is not coloured. Okabe and Ito's, told apart with colour blindness too. */
const classColours = [
  "#e69f00",
  "#56b4e9",
  "#cc79a7",
  "#009e73",
  "#f0e442",
  "#d55e00",
  "#0072b2",
] as const;

/** The colour of a class. */
export function colourOf(label: number): string {
  return classColours[(label - 1) % classColours.length] as string;
}

/** Red, green and blue of a colour in hexadecimal, 0 to 255. */
export function toRgb(colour: string): readonly [number, number, number] {
  const at = (from: number) => Number.parseInt(colour.slice(from, from + 2), 16);
  return [at(1), at(3), at(5)];
}

/** Stops of a scale from dark to light that grows evenly for the eye: matplotlib's magma. */
const magma = ["#000004", "#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcfdbf"].map(toRgb);

/** The scale's colour at 0 to 1. */
export function magmaAt(share: number): readonly [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (magma.length - 1);
  const from = Math.min(Math.floor(at), magma.length - 2);
  const [a, b] = [magma[from], magma[from + 1]] as readonly (readonly number[])[];
  const mix = (c: number) =>
    (a?.[c] as number) + (at - from) * ((b?.[c] as number) - (a?.[c] as number));
  return [mix(0), mix(1), mix(2)];
}
