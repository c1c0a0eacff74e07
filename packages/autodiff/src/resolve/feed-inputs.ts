import type { GraphProto } from "../model/onnx-messages.ts";
import { AutodiffError } from "../errors.ts";
import { dataTypeFromProto, elementCount, isFloat, type DataType } from "../model/data-type.ts";
import { makeTensor } from "../model/tensor.ts";
import { fixDims } from "./fix-dims.ts";

/** A value for an input: one number for all its elements, or all of them in row-major order. */
export type Feed =
  | number
  | {
      /** @default the input's own */
      readonly dtype?: DataType | undefined;
      readonly dims: readonly number[];
      readonly data: ArrayLike<number>;
    };

/**
 * Makes initializers of graph inputs.
 *
 * @throws AutodiffError `ERR_FEED` when there is no input of a name, or it takes other numbers;
 *   `ERR_INPUT_DIMS` when the dims do not fit
 */
export function feedInputs(
  graph: GraphProto,
  feeds: Readonly<Record<string, Feed>>,
  dims: Readonly<Record<string, readonly number[]>> = {},
): void {
  for (const [name, feed] of Object.entries(feeds)) {
    const input = graph.input.find((other) => other.name === name);
    const tensor = input?.type?.value.case === "tensorType" ? input.type.value.value : undefined;
    const dtype = tensor && dataTypeFromProto(tensor.elemType);
    const given = typeof feed === "number" ? undefined : feed;
    if (input === undefined || dtype === undefined || (given?.dtype ?? dtype) !== dtype) {
      throw unfit(name, graph.input.map((other) => `'${other.name}'`).join(", "), given?.dtype);
    }
    fixDims(input, given?.dims ?? dims[name]);
    const fixed = tensor?.shape?.dim.map(({ value }) => Number(value.value)) ?? [];
    const data = given?.data ?? Array.from({ length: elementCount(fixed) }, () => feed as number);
    if (!isFloat(dtype) && !Array.from(data).every(Number.isInteger)) {
      throw unfit(name, dtype, "fractions");
    }
    graph.initializer.push(makeTensor(name, dtype, fixed, data));
    graph.input = graph.input.filter((other) => other !== input);
  }
}

function unfit(name: string, inputs: string, found = "another"): AutodiffError {
  return new AutodiffError(
    "ERR_FEED",
    `Expected a value for one of the inputs ${inputs}, of its element type, but '${name}' is ${found}.`,
  );
}
