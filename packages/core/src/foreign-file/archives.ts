import type { KindOfFile } from "./kind-of-file.ts";

/** What is in a zip by names of its entries; the first that fits. */
const zips: readonly (readonly [names: RegExp, is: string, wayOut: string])[] = [
  [
    /(^|\/)(constants\.pkl|code\/)/m,
    "a TorchScript module",
    "write the PyTorch model with torch.onnx.export",
  ],
  [
    /(serialized_exported_program\.json|^[^/]*\/?models\/model\.json)$/m,
    "a program of torch.export (.pt2)",
    "write it with torch.onnx.export",
  ],
  [
    /(^|\/)data\.pkl$/m,
    "a checkpoint of PyTorch",
    "load it in PyTorch and write it with torch.onnx.export",
  ],
  [/^model\.weights\.h5$/m, "a Keras model (.keras)", "convert it with tf2onnx"],
  [/\.mlmodel$|\.mlpackage\//m, "a Core ML package", "take the model that it was converted from"],
  [/^MAR-INF\//m, "an archive of TorchServe", "export the model in it to ONNX"],
  [/\.onnx$/m, "a zip archive with an ONNX model in it", "unpack it and name the .onnx file"],
  [/saved_model\.pb$/m, "a zip archive with a TensorFlow SavedModel", "convert it with tf2onnx"],
  [/\.npy$/m, "a set of NumPy arrays (.npz)", "give the model first and the image after it"],
];

/**
 * What an archive holds.
 *
 * @param head its first bytes, as characters of Latin-1
 * @param tail its last ones, where a zip has the names of its entries
 */
export function archiveKind(head: string, tail: string): KindOfFile | undefined {
  if (head.startsWith("PK\x03\x04") || head.startsWith("PK\x05\x06")) {
    const names = namesIn(head, "PK\x03\x04", 26, 30)
      .concat(namesIn(tail, "PK\x01\x02", 28, 46))
      .join("\n");
    const [, is, wayOut] = zips.find(([pattern]) => pattern.test(names)) ?? [];
    return {
      is: is ?? "a zip archive",
      wayOut: wayOut ?? "unpack it and name the .onnx file",
    };
  }
  if (head.startsWith("ustar", 257)) {
    return { is: "a tar archive", wayOut: "unpack it and name the .onnx file" };
  }
  return undefined;
}

/** Names of a zip's entries: after each mark a length stands at one place, the name at another. */
function namesIn(text: string, mark: string, lengthAt: number, nameAt: number): string[] {
  const names: string[] = [];
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 4)) {
    const low = text.charCodeAt(at + lengthAt);
    const length = low + 256 * text.charCodeAt(at + lengthAt + 1);
    names.push(text.slice(at + nameAt, at + nameAt + length));
  }
  return names;
}
