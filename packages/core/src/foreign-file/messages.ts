import type { KindOfFile } from "./kind-of-file.ts";

/** A field of a message of Protocol Buffers. */
interface Field {
  readonly number: number;
  /** 0 a number, 1 and 5 fixed, 2 of a length. */
  readonly wire: number;
  readonly value: number;
  /** Where its content begins. */
  readonly start: number;
  /** Where it ends, which may lie beyond the file's end. */
  readonly end: number;
}

/** Fields of a ModelProto by number: those of a length. */
const lengths = new Set([2, 3, 4, 6, 7, 8, 14, 20, 25, 26]);
const producer = 2;
const graph = 7;
const trainingInfo = 20;

/** What a message of Protocol Buffers (or something that begins like one) is. */
export function messageKind(bytes: Uint8Array, head: string): KindOfFile | undefined {
  return safetensors(bytes, head) ?? protobuf(bytes, head);
}

function protobuf(bytes: Uint8Array, head: string): KindOfFile | undefined {
  const { fields, isWhole } = fieldsOf(bytes);
  const [first] = fields;
  if (first === undefined) {
    return undefined;
  }
  const last = fields.at(-1) as Field;
  const has = (number: number, wire: number) =>
    fields.some((field) => field.number === number && field.wire === wire);
  const isVersion = first.number === 1 && first.wire === 0 && first.value < 1000;
  if (isVersion && isWhole) {
    if (has(500, 2) || has(502, 2) || fields.some(({ number }) => number >= 200 && number < 1000)) {
      return {
        is: "a Core ML model",
        wayOut: "take the model that it was converted from",
      };
    }
    if (has(trainingInfo, 2) && !has(graph, 2)) {
      return {
        is: "an ONNX file of training information alone, without a graph",
        wayOut: "export the model itself",
      };
    }
    const [, second] = fields;
    const isOfGraphs =
      first.value === 1 && fields.every(({ number, wire }, i) => i === 0 || number + wire === 4);
    if (isOfGraphs && second !== undefined && bytes[second.start] === 0x0a) {
      return { is: "a SavedModel of TensorFlow", wayOut: "convert its folder with tf2onnx" };
    }
  }
  const couldBeModel =
    isVersion && fields.every(({ number, wire }) => wire === 0 || lengths.has(number));
  if (couldBeModel && last.end > bytes.length) {
    return {
      is: `an ONNX model without its end: at least ${last.end - bytes.length} bytes are missing after ${bytes.length}`,
      wayOut: "download or export it again",
    };
  }
  if (couldBeModel && isWhole && has(producer, 2) && !has(graph, 2)) {
    return {
      is: `the beginning of an ONNX model, ${bytes.length} bytes without a graph`,
      wayOut: "download or export it again",
    };
  }
  if (first.number === 1 && first.wire === 2) {
    if (/\b(Placeholder|Const|Identity|VarHandleOp|NoOp)\b/.test(head) && isOfNodes(bytes, first)) {
      return {
        is: "a graph of TensorFlow (GraphDef)",
        wayOut: "convert it with tf2onnx",
      };
    }
    if (
      (has(100, 2) || has(2, 2)) &&
      /Convolution|InnerProduct|Pooling|ReLU|Input|Data/.test(head)
    ) {
      return {
        is: "a network of Caffe (.caffemodel)",
        wayOut: "convert it together with its .prototxt to ONNX",
      };
    }
    if (/\b(feed|fetch|conv2d|feed_var)\b/.test(head)) {
      return { is: "a model of PaddlePaddle", wayOut: "convert it with paddle2onnx" };
    }
  }
  return undefined;
}

/** Whether a field holds a message whose first field is a name, as nodes have it. */
function isOfNodes(bytes: Uint8Array, field: Field): boolean {
  return bytes[field.start] === 0x0a;
}

/** A length of 8 bytes, and as much JSON. */
function safetensors(bytes: Uint8Array, head: string): KindOfFile | undefined {
  if (bytes.length < 10 || !/^\{\s*"/.test(head.slice(8, 40))) {
    return undefined;
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return length < 100_000_000n && /"dtype"|"__metadata__"/.test(head)
    ? {
        is: "weights without a graph (safetensors)",
        wayOut: "load them into their network and write that with torch.onnx.export or optimum",
      }
    : undefined;
}

/** The fields of a message as far as they can be followed, and whether they end where the file does. */
function fieldsOf(bytes: Uint8Array): { readonly fields: Field[]; readonly isWhole: boolean } {
  const fields: Field[] = [];
  let at = 0;
  // So many are enough to tell; a graph of TensorFlow has one for each node.
  while (at < bytes.length && fields.length < 4096) {
    const key = varint(bytes, at);
    if (key === undefined) {
      return { fields, isWhole: false };
    }
    const [number, wire] = [Math.floor(key.value / 8), key.value % 8];
    const field = fieldAt(bytes, number, wire, key.end);
    if (field === undefined || number === 0) {
      return { fields, isWhole: false };
    }
    fields.push(field);
    at = field.end;
  }
  return { fields, isWhole: at === bytes.length };
}

function fieldAt(bytes: Uint8Array, number: number, wire: number, at: number): Field | undefined {
  if (wire === 1 || wire === 5) {
    return { number, wire, value: 0, start: at, end: at + (wire === 1 ? 8 : 4) };
  }
  const value = wire === 0 || wire === 2 ? varint(bytes, at) : undefined;
  return (
    value && {
      number,
      wire,
      value: value.value,
      start: value.end,
      end: wire === 0 ? value.end : value.end + value.value,
    }
  );
}

function varint(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let [value, factor] = [0, 1];
  for (let at = start; at < Math.min(start + 10, bytes.length); at++) {
    const byte = bytes[at] as number;
    value += (byte & 127) * factor;
    factor *= 128;
    if (byte < 128) {
      return { value, end: at + 1 };
    }
  }
  return undefined;
}
