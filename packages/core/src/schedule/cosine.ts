/** From one number to another over T steps, along half a cosine; what lies beyond step T stays there. */
export function cosine(from: number, to: number, n: number, T: number): number {
  return to + ((from - to) * (1 + Math.cos((Math.PI * Math.min(n, T)) / T))) / 2;
}
