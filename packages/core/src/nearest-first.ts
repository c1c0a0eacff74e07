/** Names in the order of how little has to be typed otherwise (Levenshtein distance), case aside. */
export function nearestFirst(wanted: string, names: readonly string[]): string[] {
  const distance = (name: string) => distanceOf(wanted.toLowerCase(), name.toLowerCase());
  return names.toSorted((a, b) => distance(a) - distance(b));
}

function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const [above, left, before] = [row[j], next[j - 1], row[j - 1]] as [number, number, number];
      next.push(Math.min(above + 1, left + 1, before + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] as number;
}
