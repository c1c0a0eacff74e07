import { create } from "@bufbuild/protobuf";
import type { NodeProto } from "../model/onnx-messages.ts";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
} from "../model/onnx-schema.ts";
import { intAttribute, intsAttribute, stringAttribute } from "../graph/attribute.ts";
import type { Model } from "../model/model.ts";
import type { PassContext } from "./pass.ts";

/**
 * Sets `ceil_mode` of pools to 0 where rounding down gives as many windows, or does with wider padding
 * at the end: not every execution provider has the mode, and ONNX's shape inference before opset 22
 * counts a window that would start in the end padding, which the runtime drops.
 *
 * The mode stays where padding would change the mean (`count_include_pad`), where it would be as wide
 * as the kernel, which the runtime refuses, and where `auto_pad` or `storage_order` is given.
 *
 * @returns whether a pool changed
 */
export function dropCeilMode({ graph }: Model, { types }: Pick<PassContext, "types">): boolean {
  let isChanged = false;
  for (const node of graph.node) {
    const isPool = node.opType === "MaxPool" || node.opType === "AveragePool";
    const attribute = node.attribute.find(({ name }) => name === "ceil_mode");
    const dims = types.get(node.input[0] ?? "")?.dims;
    const isExplicit =
      stringAttribute(node, "auto_pad", "NOTSET") === "NOTSET" &&
      intAttribute(node, "storage_order", 0) === 0;
    if (!isPool || attribute?.i !== 1n || dims === undefined || !isExplicit) {
      continue;
    }
    const pads = padsWithoutCeilMode(node, dims);
    if (pads !== undefined) {
      attribute.i = 0n;
      setPads(node, pads);
      isChanged = true;
    }
  }
  return isChanged;
}

/** Pads with which rounding down gives the same windows, `undefined` if there are none. */
function padsWithoutCeilMode(node: NodeProto, dims: readonly number[]): number[] | undefined {
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  const at = (name: string, index: number, fallback: number) =>
    intsAttribute(node, name)?.[index] ?? fallback;
  const begins = kernel.map((_, i) => at("pads", i, 0));
  const ends = kernel.map((k, i) => {
    const stride = at("strides", i, 1);
    const reach = at("dilations", i, 1) * (k - 1) + 1;
    const size = (dims[i + 2] as number) + (begins[i] as number);
    const end = at("pads", i + kernel.length, 0);
    const room = size + end - reach;
    const last = Math.ceil(room / stride);
    const isNeedless = room % stride === 0 || last * stride >= size;
    return isNeedless ? end : last * stride + reach - size;
  });
  const isWider = ends.map((end, i) => end > at("pads", i + kernel.length, 0));
  const fits =
    !isWider.includes(true) ||
    (intAttribute(node, "count_include_pad", 0) === 0 &&
      ends.every((end, i) => !isWider[i] || end < (kernel[i] as number)));
  return fits ? [...begins, ...ends] : undefined;
}

function setPads(node: NodeProto, pads: readonly number[]): void {
  node.attribute = [
    ...node.attribute.filter(({ name }) => name !== "pads"),
    create(AttributeProtoSchema, { name: "pads", type: Type.INTS, ints: pads.map(BigInt) }),
  ];
}
