/** IoU as the tool defines it: of class 1 for two classes, otherwise the mean of those in the target. */
export function iouOf(
  labels: ArrayLike<number>,
  target: ArrayLike<number>,
  classes: number,
): number {
  const each = Array.from({ length: classes }, (_, c) => {
    let [both, either, wanted] = [0, 0, 0];
    Array.from(labels).forEach((label, i) => {
      both += label === c && target[i] === c ? 1 : 0;
      either += label === c || target[i] === c ? 1 : 0;
      wanted += target[i] === c ? 1 : 0;
    });
    return { wanted, iou: either === 0 ? 1 : both / either };
  });
  const inTarget = each.filter(({ wanted }) => wanted > 0);
  return classes === 2
    ? (each[1]?.iou as number)
    : inTarget.reduce((sum, { iou }) => sum + iou, 0) / inTarget.length;
}
