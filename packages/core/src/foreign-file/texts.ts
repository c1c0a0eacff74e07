import type { KindOfFile } from "./kind-of-file.ts";
import { latin1 } from "./latin-1.ts";

const named = "name the .onnx file";

/** What a text is by how it begins; the first that fits. */
const texts: readonly (readonly [start: RegExp, is: string, wayOut: string])[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\/spec/,
    "a pointer of Git LFS, which stands for the file",
    "fetch the file itself with git lfs pull",
  ],
  [
    /^\s*(<\?xml[^>]*>\s*)?<net\b/,
    "the graph of an OpenVINO model",
    "take the model that it was converted from",
  ],
  [
    /^\s*(<!doctype html|<html|<head|<!--)/i,
    "a web page, such as a notice of an error or a form to log in",
    "download the file itself: the address that leads to it is another",
  ],
  [/^\s*(<\?xml|<[A-Za-z]+[ >])/, "a text of XML", named],
  [
    /(^|\n)\s*(layer|layers|input_param|input_dim)\b[^\n]*[{:]/,
    "a network of Caffe as text (.prototxt)",
    "convert it together with its .caffemodel to ONNX",
  ],
  [/^7767517\n/, "the graph of an ncnn model", "take the model that it was converted from"],
  [/^#\s*(!.*|-\*-.*|.*\n)*?\s*(import|from)\s+\w+/, "a program in Python", named],
  [/^-----BEGIN PGP/, "encrypted by PGP", "decrypt it"],
  [
    /^\s*(ir_version\s*:|graph\s*\{|producer_name\s*:)/,
    "an ONNX model as text of Protocol Buffers",
    "write it in binary form with onnx.save",
  ],
  [
    /^\s*<\s*\n?\s*ir_version/,
    "an ONNX model as text (onnx.printer)",
    "write it in binary form with onnx.save",
  ],
];

/** What a file of text is; `undefined` for one that is none. */
export function textKind(bytes: Uint8Array, head: string): KindOfFile | undefined {
  const start = head.slice(0, 4096).replace(/^\xef\xbb\xbf/, "");
  if (Array.from(start).some(isControl)) {
    return undefined;
  }
  const [, is, wayOut] = texts.find(([pattern]) => pattern.test(start)) ?? [];
  if (is !== undefined && wayOut !== undefined) {
    return { is, wayOut };
  }
  if (/^\s*[{[]/.test(start)) {
    return jsonKind(bytes);
  }
  return { is: "a text", wayOut: named };
}

/** Whether no text has a character: tabs, ends of lines and pages, and the escape are in some. */
function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return code === 127 || (code < 32 && !(code >= 9 && code <= 13) && code !== 27);
}

/** More than this is not parsed to say what it is. */
const largestText = 1 << 24;

function jsonKind(bytes: Uint8Array): KindOfFile {
  const plain = { is: "a text of JSON", wayOut: named };
  if (bytes.length > largestText) {
    return plain;
  }
  try {
    const content = JSON.parse(latin1(bytes)) as Readonly<Record<string, unknown>> | null;
    if (content?.["format"] === "graph-model" || content?.["format"] === "layers-model") {
      return { is: "a model of TensorFlow.js", wayOut: "convert it with tf2onnx" };
    }
    if (content !== null && ("image_mean" in content || "id2label" in content)) {
      return { is: "a configuration of a Hugging Face model", wayOut: named };
    }
    if (content !== null && ("graph" in content || "irVersion" in content)) {
      return {
        is: "an ONNX model as JSON",
        wayOut: "write it in binary form with onnx.save",
      };
    }
    return plain;
  } catch {
    return { is: "a text", wayOut: named };
  }
}
