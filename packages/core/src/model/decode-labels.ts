import { halfToNumber } from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { LabelMap } from "../image.ts";
import type { OutputHead } from "./output-head.ts";

/** A tensor as the runtime gives it back. */
interface OutputTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/**
 * Turns a model's output into labels on the output grid. The first class wins ties, as in ArgMax.
 *
 * @throws AsmaError `ERR_OUTPUT` when the output does not have the grid's size
 */
export function decodeLabels(output: OutputTensor, head: OutputHead): LabelMap {
  const [height, width] = head.size;
  const pixels = height * width;
  const values = numbersOf(output);
  const channels = head.decoding.kind === "argmax" ? head.classes : 1;
  if (values.length !== pixels * channels) {
    throw new AsmaError(
      "ERR_OUTPUT",
      `Expected ${channels} × ${height} × ${width} values in output '${head.output}' but found dims [${output.dims.join(", ")}].`,
    );
  }
  const data = new Int32Array(pixels);
  switch (head.decoding.kind) {
    case "labels":
      for (let i = 0; i < pixels; i++) {
        data[i] = Number(values[i]);
      }
      break;
    case "threshold":
      for (let i = 0; i < pixels; i++) {
        data[i] = Number(values[i]) > head.decoding.border ? 1 : 0;
      }
      break;
    case "argmax": {
      const [perClass, perPixel] = head.decoding.classAxis === 1 ? [pixels, 1] : [1, channels];
      for (let i = 0; i < pixels; i++) {
        let best = 0;
        for (let c = 1; c < channels; c++) {
          if (
            (values[c * perClass + i * perPixel] as number) >
            (values[best * perClass + i * perPixel] as number)
          ) {
            best = c;
          }
        }
        data[i] = best;
      }
    }
  }
  return { data, dims: [height, width] };
}

/** float16 comes as its bits where the platform has no Float16Array. */
function numbersOf({ type, data }: OutputTensor): ArrayLike<number | bigint> {
  return type === "float16" && data instanceof Uint16Array
    ? Float32Array.from(data, halfToNumber)
    : (data as ArrayLike<number | bigint>);
}
