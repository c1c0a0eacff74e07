import type { DataType, TensorType } from "../model/data-type.ts";

/** A named tensor of the graph with known dtype and dims. */
export interface Value extends TensorType {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
}

/** Whether two lists of dims are equal. */
export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Dims after multidirectional broadcasting, `undefined` where they do not fit (ONNX "Broadcasting"). */
export function broadcastDims(...all: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(...all.map((dims) => dims.length));
  const result = Array.from({ length: rank }, () => 1);
  for (const dims of all) {
    for (let i = 0; i < dims.length; i++) {
      const at = rank - dims.length + i;
      const d = dims[i] as number;
      if (d !== 1 && result[at] !== 1 && result[at] !== d) {
        return undefined;
      }
      if (d !== 1) {
        result[at] = d;
      }
    }
  }
  return result;
}

/** An axis counted from the front. */
export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
