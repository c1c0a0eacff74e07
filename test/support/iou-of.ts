/** IoU as the tool defines it: of class 1 for two classes, otherwise the mean of those present. */
export function iouOf(
  labels: ArrayLike<number>,
  target: ArrayLike<number>,
  classes: number,
): number {
  const each = Array.from({ length: classes }, (_, c) => {
    let [both, either] = [0, 0];
    Array.from(labels).forEach((label, i) => {
      both += label === c && target[i] === c ? 1 : 0;
      either += label === c || target[i] === c ? 1 : 0;
    });
    return either === 0 ? undefined : both / either;
  });
  const present = each.filter((v) => v !== undefined);
  return classes === 2 ? (each[1] ?? 1) : present.reduce((a, v) => a + v, 0) / present.length;
}
