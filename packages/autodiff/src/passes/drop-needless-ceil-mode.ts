import type { GraphProto } from "onnx-buf";
import { intAttribute, intsAttribute, stringAttribute } from "../graph/attribute.ts";
import type { TensorType } from "../model/data-type.ts";

/**
 * Sets `ceil_mode` of pools to 0 where rounding down gives as many windows: not every execution
 * provider has the mode, and ONNX's shape inference before opset 22 counts a window that would start
 * in the end padding, which the runtime drops.
 *
 * @returns whether a pool changed
 */
export function dropNeedlessCeilMode(
  graph: GraphProto,
  types: ReadonlyMap<string, TensorType>,
): boolean {
  let isChanged = false;
  for (const node of graph.node) {
    const isPool = node.opType === "MaxPool" || node.opType === "AveragePool";
    const attribute = node.attribute.find(({ name }) => name === "ceil_mode");
    const dims = types.get(node.input[0] ?? "")?.dims;
    const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
    if (!isPool || attribute?.i !== 1n || dims === undefined || autoPad !== "NOTSET") {
      continue;
    }
    const kernel = intsAttribute(node, "kernel_shape") ?? [];
    const isNeedless = kernel.every((k, i) => {
      const at = (name: string, index: number, fallback: number) =>
        intsAttribute(node, name)?.[index] ?? fallback;
      const stride = at("strides", i, 1);
      const reach = at("dilations", i, 1) * (k - 1) + 1;
      const size = (dims[i + 2] as number) + at("pads", i, 0);
      const room = size + at("pads", i + kernel.length, 0) - reach;
      const last = Math.ceil(room / stride);
      return room % stride === 0 || last * stride >= size;
    });
    if (isNeedless && intAttribute(node, "storage_order", 0) === 0) {
      attribute.i = 0n;
      isChanged = true;
    }
  }
  return isChanged;
}
