import { archiveKind } from "./archives.ts";
import type { KindOfFile } from "./kind-of-file.ts";
import { latin1 } from "./latin-1.ts";
import { messageKind } from "./messages.ts";
import { textKind } from "./texts.ts";

/** A file that begins with certain bytes: those at `at`, as characters of Latin-1. */
type Signature = readonly [bytes: string, is: string, wayOut: string, at?: number];

const picture = "give the model first and the image after it";
const unpack = "unpack it and name the .onnx file";
const fromTorch = "load it in PyTorch and write it with torch.onnx.export";

const signatures: readonly Signature[] = [
  ["TFL3", "a TensorFlow Lite model", "convert it with tf2onnx", 4],
  ["ORTM", "a model in ONNX Runtime's .ort format", "take the .onnx file it was made from", 4],
  [
    "\x89HDF\r\n\x1a\n",
    "a file of HDF5, as Keras saves models",
    "convert the Keras model with tf2onnx",
  ],
  ["ftrt", "a TensorRT engine", "take the .onnx file it was built from"],
  ["ptrt", "a TensorRT engine", "take the .onnx file it was built from"],
  ["GGUF", "a model in llama.cpp's GGUF format", "take the model's ONNX export"],
  ["\x93NUMPY", "an array of NumPy (.npy)", picture],
  ["\x89PNG\r\n", "a PNG picture", picture],
  ["\xff\xd8\xff", "a JPEG picture", picture],
  ["GIF8", "a GIF picture", picture],
  ["II*\0", "a TIFF picture", picture],
  ["MM\0*", "a TIFF picture", picture],
  ["BM", "a BMP picture", picture],
  ["RIFF", "a RIFF file, such as a WebP picture", picture],
  ["%PDF", "a PDF document", "name the .onnx file"],
  ["\x7fELF", "a program (ELF), such as a compiled model", "take the .onnx file it was made from"],
  ["MZ", "a program of Windows, such as a compiled model", "take the .onnx file it was made from"],
  ["\x1f\x8b", "packed with gzip", "unpack it with gunzip, and tar if it is a .tar.gz"],
  ["BZh", "packed with bzip2", "unpack it with bunzip2"],
  ["\xfd7zXZ\0", "packed with xz", "unpack it with unxz"],
  ["\x28\xb5\x2f\xfd", "packed with Zstandard", "unpack it with unzstd"],
  ["7z\xbc\xaf\x27\x1c", "a 7-Zip archive", unpack],
  ["Rar!", "a RAR archive", unpack],
  ["MATLAB 5.0", "a file of MATLAB", "export the network with exportONNXNetwork"],
  [
    "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19",
    "a checkpoint of PyTorch before 1.6 (a pickle)",
    fromTorch,
  ],
  ["Salted__", "encrypted by OpenSSL", "decrypt it"],
  ["age-encryption.org", "encrypted by age", "decrypt it"],
];

/**
 * Says what a file is that could not be read as an ONNX model, from its first and last bytes.
 *
 * @returns `undefined` where nothing can be told, for example of a damaged model
 */
export function foreignFile(bytes: Uint8Array): KindOfFile | undefined {
  if (bytes.length === 0) {
    return { is: "empty", wayOut: "export or download it again" };
  }
  const head = latin1(bytes.subarray(0, 1 << 16));
  const signature = signatures.find(([magic, , , at = 0]) => head.startsWith(magic, at));
  if (signature !== undefined) {
    const [, is, wayOut] = signature;
    return { is, wayOut };
  }
  return (
    archiveKind(head, latin1(bytes.subarray(-(1 << 16)))) ??
    pickleKind(bytes, head) ??
    textKind(bytes, head) ??
    messageKind(bytes, head) ??
    weightsKind(bytes) ??
    noiseKind(bytes)
  );
}

function pickleKind(bytes: Uint8Array, head: string): KindOfFile | undefined {
  // Protocol 2 to 5, and STOP at the end.
  const [mark, protocol = 0] = bytes;
  if (mark !== 0x80 || protocol < 2 || protocol > 5 || bytes.at(-1) !== 0x2e) {
    return undefined;
  }
  return head.includes("torch")
    ? { is: "a pickle of PyTorch", wayOut: fromTorch }
    : { is: "a pickle of Python", wayOut: "export the model in it to ONNX" };
}

/** Numbers of 32 bits and the size that weights have, and nothing else. */
function weightsKind(bytes: Uint8Array): KindOfFile | undefined {
  const count = Math.min(bytes.length >> 2, 4096);
  if (count < 64 || bytes.length % 4 !== 0) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes = Array.from({ length: count }, (_, i) => Math.abs(view.getFloat32(4 * i, true)));
  const usual = sizes.filter((size) => size === 0 || (size > 1e-8 && size < 1e4)).length;
  return usual > 0.97 * count && new Set(sizes).size > 8
    ? {
        is: "numbers alone, such as the weights beside a model (external data, .bin)",
        wayOut: "name the model's own file, .onnx",
      }
    : undefined;
}

/** Bytes of which all values are equally frequent: packed or encrypted; or all the same. */
function noiseKind(bytes: Uint8Array): KindOfFile | undefined {
  const sample = bytes.subarray(0, 1 << 16);
  const counts = new Float64Array(256);
  sample.forEach((byte) => {
    counts[byte] = (counts[byte] as number) + 1;
  });
  const [first] = bytes;
  const isOne = sample.length >= 16 && counts.includes(sample.length);
  if (isOne && bytes.every((byte) => byte === first)) {
    return {
      is: `${bytes.length} times the byte ${first}`,
      wayOut: "download it again: a disk or a transfer has lost its content",
    };
  }
  const entropy = counts.reduce((sum, n) => {
    const share = n / sample.length;
    return n === 0 ? sum : sum - share * Math.log2(share);
  }, 0);
  // As much as so many random bytes have.
  return sample.length >= 256 && entropy > Math.min(7.9, Math.log2(sample.length) - 1)
    ? {
        is: "bytes without any structure, as of an encrypted or packed file",
        wayOut: "decrypt or unpack it",
      }
    : undefined;
}
