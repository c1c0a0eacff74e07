import { getTextEncoding } from "@bufbuild/protobuf/wire";
import type { Bytes, NodeProto } from "../model/onnx-messages.ts";

/** Whether a node is a `Gradient`, which names values in its attributes. */
export function isGradientNode(node: NodeProto): boolean {
  return node.opType === "Gradient" && node.domain === "ai.onnx.preview.training";
}

/** The values that a `Gradient` node names: y is differentiated by xs, and depends on zs as well. */
export function gradientAttributes(node: NodeProto): { xs: string[]; zs: string[]; y: string } {
  const { decodeUtf8 } = getTextEncoding();
  const find = (name: string) => node.attribute.find((attribute) => attribute.name === name);
  const list = (name: string) => (find(name)?.strings ?? []).map((s) => decodeUtf8(s));
  return { xs: list("xs"), zs: list("zs"), y: decodeUtf8(find("y")?.s ?? new Uint8Array()) };
}

/** Gives the values that a `Gradient` node names the names they have in `scope`. */
export function renameGradientAttributes(
  node: NodeProto,
  scope: ReadonlyMap<string, string>,
): void {
  const { decodeUtf8, encodeUtf8 } = getTextEncoding();
  const rename = (bytes: Bytes) => {
    const name = scope.get(decodeUtf8(bytes));
    return name === undefined ? bytes : encodeUtf8(name);
  };
  for (const attribute of node.attribute) {
    attribute.s = rename(attribute.s);
    attribute.strings = attribute.strings.map(rename);
  }
}
