import { halfToNumber } from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "../../errors.ts";
import { countOf, type LabelMap, type Size } from "../../image.ts";
import { indexIn } from "../layout.ts";
import { doubtOf } from "./doubt-of.ts";
import type { OutputHead } from "./output-head.ts";
import { queryScores } from "./query-head.ts";
import { regridder } from "../grid/regrid.ts";
import { option } from "../option.ts";

/** A tensor as the runtime gives it back. */
interface OutputTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/**
 * Turns a model's output into labels. The first class wins ties, as in ArgMax.
 *
 * @param output the head's output, of a batch only the first sample counts
 * @param queryClasses the classes of queries, where the head has queries
 * @throws AsmaError `ERR_OUTPUT` when the output does not have the grid's size
 */
export function decodeLabels(
  output: OutputTensor,
  queryClasses: OutputTensor | undefined,
  head: OutputHead,
): LabelMap {
  const { decoding, outputSize } = head;
  const pixels = countOf(outputSize);
  const values = numbersOf(output);
  const channels = head.queries?.count ?? decoding.channels;
  if (values.length === 0 || values.length % (pixels * channels) !== 0) {
    throw refusal("ERR_OUTPUT", {
      expected: `${channels} × ${outputSize.join(" × ")} values in output '${head.output}'`,
      found: `found dims [${output.dims.join(", ")}]`,
    });
  }
  const at = indexIn(decoding.layout, channels, pixels);
  const doubt = doubtOf(head, values, pixels);
  const doubts = doubt === undefined ? undefined : { notices: [doubt] };
  const plane = (c: number) => {
    const data = new Float64Array(pixels);
    for (let i = 0; i < pixels; i++) {
      data[i] = Number(values[at(c, i)]);
    }
    return data;
  };
  const onGrid = regridder(outputSize, head.steps);
  const planes =
    head.queries === undefined
      ? undefined
      : queryScores(
          values as ArrayLike<number>,
          numbersOf(queryClasses as OutputTensor) as ArrayLike<number>,
          head.queries,
          outputSize,
        );
  switch (decoding.kind) {
    case "labels": {
      const labels = lookUp(head, pixels, (entry, i) =>
        Number(values[at(decoding.channel + entry, i)]),
      );
      return toLabelMap(onGrid(labels), (label) => label);
    }
    case "threshold":
      return toLabelMap(
        onGrid(planes?.[0] ?? plane(decoding.channel)),
        (value) => (value > decoding.border ? 1 : 0),
        doubts,
      );
    case "argmax": {
      const best = onGrid(planes?.[0] ?? plane(0));
      const labels = new Int32Array(best.data.length);
      for (let c = 1; c < decoding.channels; c++) {
        const { data } = onGrid(planes?.[c] ?? plane(c));
        data.forEach((value, i) => {
          if (value > (best.data[i] as number)) {
            best.data[i] = value;
            labels[i] = c;
          }
        });
      }
      return { data: labels, dims: best.size, ...doubts };
    }
  }
}

/** float16 comes as its bits where the platform has no Float16Array. */
function numbersOf({ type, data }: OutputTensor): ArrayLike<number | bigint> {
  return type === "float16" && data instanceof Uint16Array
    ? Float32Array.from(data, halfToNumber)
    : (data as ArrayLike<number | bigint>);
}

function toLabelMap(
  { data, size }: { readonly data: Float64Array; readonly size: Size },
  label: (value: number) => number,
  doubts?: Pick<LabelMap, "notices">,
): LabelMap {
  return { data: Int32Array.from(data, label), dims: size, ...doubts };
}

/** Labels by the values that stand for them. */
function lookUp(
  { decoding, output }: OutputHead,
  pixels: number,
  read: (entry: number, i: number) => number,
): Float64Array {
  const { values } = decoding as Extract<OutputHead["decoding"], { kind: "labels" }>;
  const key = (list: readonly number[]) => list.map(Math.fround).join();
  const labels = new Map(values.map((list, label) => [key(list), label]));
  const entries = values[0]?.length ?? 1;
  return Float64Array.from({ length: pixels }, (_, i) => {
    const found = Array.from({ length: entries }, (__, entry) => read(entry, i));
    const label = labels.get(key(found));
    if (label === undefined) {
      throw new AsmaError(
        "ERR_OUTPUT",
        `Output '${output}' holds the value ${found.join(", ")} where its classes are ${values.map((list) => `(${list.join(", ")})`).join(", ")}: name what stands before it with ${option("output")}.`,
      );
    }
    return label;
  });
}
