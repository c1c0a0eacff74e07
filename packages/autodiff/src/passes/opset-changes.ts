const reductions = [
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSum",
  "ReduceLogSumExp",
  "ReduceMax",
  "ReduceMean",
  "ReduceMin",
  "ReduceProd",
  "ReduceSumSquare",
];

/**
 * Opsets from which on a node of the operator as it was written before means something else or is no
 * longer valid. Mere additions (dtypes, optional inputs, new attributes) are not among them.
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
const changes: ReadonlyMap<string, readonly number[]> = new Map([
  ["BatchNormalization", [9, 14]],
  ["Clip", [11]],
  ["DFT", [20]],
  ["Dropout", [12]],
  ["GridSample", [20]],
  ["GroupNormalization", [21]],
  ["Hardmax", [13]],
  ["LogSoftmax", [13]],
  ["Pad", [11]],
  ["ReduceSum", [13]],
  ["Resize", [11]],
  ["RoiAlign", [16]],
  ["Scan", [9]],
  ["Scatter", [11]],
  ["Slice", [10]],
  ["Softmax", [13]],
  ["Split", [13, 18]],
  ["Squeeze", [13]],
  ["TopK", [10]],
  ["Unsqueeze", [13]],
  ["Upsample", [9, 10]],
  ...reductions.map((opType): [string, number[]] => [opType, [18]]),
]);

/** Whether a node of the default domain means different things in two opsets. */
export function changesMeaning(opType: string, a: number, b: number): boolean {
  const [low, high] = [Math.min(a, b), Math.max(a, b)];
  return (changes.get(opType) ?? []).some((opset) => low < opset && opset <= high);
}
