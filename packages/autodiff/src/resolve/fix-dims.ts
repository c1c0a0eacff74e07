import { create } from "@bufbuild/protobuf";
import type { ValueInfoProto } from "../model/onnx-messages.ts";
import { TensorShapeProtoSchema, TensorShapeProto_DimensionSchema } from "../model/onnx-schema.ts";
import { AutodiffError } from "../errors.ts";

/**
 * Gives a graph input concrete dims: those given, otherwise its own.
 *
 * @throws AutodiffError `ERR_INPUT_DIMS` when there are none, or they contradict those declared
 */
export function fixDims(input: ValueInfoProto, given: readonly number[] | undefined): void {
  const tensor = input.type?.value;
  if (tensor?.case !== "tensorType") {
    return;
  }
  const declared = tensor.value.shape?.dim.map((dim) =>
    dim.value.case === "dimValue" && dim.value.value > 0n
      ? Number(dim.value.value)
      : dim.value.case === "dimParam" && dim.value.value !== ""
        ? dim.value.value
        : "?",
  );
  const fits =
    given === undefined ||
    ((declared === undefined || given.length === declared.length) &&
      given.every((d, i) => {
        const own = declared?.[i];
        return Number.isSafeInteger(d) && d > 0 && (typeof own !== "number" || own === d);
      }));
  const dims = given ?? declared;
  if (!fits || dims === undefined || dims.some((d) => !Number.isSafeInteger(d))) {
    const wanted = declared === undefined ? "of any rank" : `[${declared.join(", ")}]`;
    const found = given === undefined ? "none are given" : `[${given.join(", ")}] are given`;
    const example = (declared ?? ["1", "3", "H", "W"]).map((d, i) =>
      typeof d === "number" ? d : ([1, 3, 512, 512][i] ?? 1),
    );
    throw new AutodiffError(
      "ERR_INPUT_DIMS",
      `Input '${input.name}' has dims ${wanted}, but ${found}: give ${given === undefined ? "concrete ones" : "ones that fit"}, for example \`dims: ${JSON.stringify({ [input.name]: example })}\`.`,
      { details: { input: input.name, declared, given } },
    );
  }
  tensor.value.shape = create(TensorShapeProtoSchema, {
    dim: dims.map((d) =>
      create(TensorShapeProto_DimensionSchema, {
        value: { case: "dimValue", value: BigInt(d as number) },
      }),
    ),
  });
}

/** Drops the declared dims of an output: they may be symbolic or hold for other input dims. */
export function freeDims(output: ValueInfoProto): void {
  const tensor = output.type?.value;
  if (tensor?.case === "tensorType") {
    tensor.value.shape = undefined;
  }
}
