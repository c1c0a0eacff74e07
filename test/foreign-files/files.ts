import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema, type ModelProto } from "onnx-buf";
import { encodePng } from "../support/png.ts";
import { tinyModel } from "../support/tiny-model.ts";
import { field, join, text, zeros, zip } from "./bytes.ts";

/** A file that is no model that can be attacked, and how it is refused. */
export interface BadFile {
  readonly bytes: Uint8Array;
  /** Ends the file's name. */
  readonly name: string;
  readonly code: string;
  /** What the message says it is, and what to do. */
  readonly says: RegExp;
  /** Files beside it. */
  readonly beside?: Readonly<Record<string, Uint8Array>>;
  /** Found when a session is made of it, not when it is read. */
  readonly isLate?: boolean;
}

const made = (name: string) => readFileSync(new URL(name, import.meta.url));

/** A convolution of a picture, from 3 channels to 2: large enough to be cut. */
export const model = tinyModel({
  inputs: { image: { dims: [1, 3, 8, 8] } },
  constants: {
    w: { dims: [2, 3, 5, 5], data: Array.from({ length: 150 }, (_, i) => Math.sin(i)) },
  },
  nodes: [
    ["Conv", ["image", "w"], "scores", { pads: [2, 2, 2, 2] }],
    ["Relu", ["scores"], "out"],
  ],
});

function changed(change: (proto: ModelProto) => void): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, model);
  change(proto);
  return toBinary(ModelProtoSchema, proto);
}

const cut = (share: number) => model.subarray(0, Math.floor(model.length * share));

/** The model with its weights in a file beside it. */
function external(location: string, length?: number): Uint8Array {
  return changed(({ graph }) => {
    const [tensor] = graph?.initializer ?? [];
    Object.assign(tensor ?? {}, { rawData: zeros(0), floatData: [], dataLocation: 1 });
    const entries = { location, ...(length !== undefined && { length: String(length) }) };
    (tensor as NonNullable<typeof tensor>).externalData = Object.entries(entries).map(
      ([key, value]) => create(StringStringEntryProtoSchema, { key, value }),
    );
  });
}

const random = (n: number) => {
  let state = 1;
  return Uint8Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
};

const unreadable = "ERR_MODEL_UNREADABLE";
const tfNode = field(1, join(field(1, "image"), field(2, "Placeholder")));
const tar = join(
  "model.onnx",
  zeros(247),
  "ustar",
  [0],
  "00",
  zeros(249),
  model.subarray(0, 200),
  zeros(312),
);

const list: Record<string, [bytes: Uint8Array, name: string, says: RegExp]> = {
  "a pointer of Git LFS": [
    text(
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
    ),
    "model.onnx",
    /pointer of Git LFS.*git lfs pull/,
  ],
  "a checkpoint of PyTorch": [
    made("checkpoint.pt"),
    "model.pt",
    /checkpoint of PyTorch: .*torch\.onnx\.export/,
  ],
  "an old checkpoint of PyTorch": [
    made("checkpoint-old.pth"),
    "model.pth",
    /PyTorch before 1\.6.*torch\.onnx\.export/,
  ],
  TorchScript: [made("script.pt"), "model.pt", /TorchScript.*torch\.onnx\.export/],
  "a program of torch.export": [
    zip("p/archive_format", "p/models/model.json"),
    "model.pt2",
    /torch\.export.*torch\.onnx\.export/,
  ],
  "a pickle": [made("object.pkl"), "model.pkl", /pickle of Python: export/],
  "TensorFlow Lite": [join([28, 0, 0, 0], "TFL3", zeros(40)), "model.tflite", /Lite.*tf2onnx/],
  "ONNX Runtime's format": [join([24, 0, 0, 0], "ORTM", zeros(40)), "model.ort", /\.ort.*\.onnx/],
  "a TensorRT engine": [join("ftrt", random(200)), "model.engine", /TensorRT.*built from/],
  "a TensorRT plan": [join("ptrt", random(200)), "model.plan", /TensorRT.*built from/],
  "a zip": [zip("readme.txt"), "model.zip", /a zip archive: unpack/],
  "a zip with a model": [
    zip("m/model.onnx"),
    "model.zip",
    /zip archive with an ONNX model.*unpack/,
  ],
  "a zip with a SavedModel": [zip("m/saved_model.pb"), "model.zip", /SavedModel: .*tf2onnx/],
  "Keras 3": [zip("metadata.json", "config.json", "model.weights.h5"), "m.keras", /Keras.*tf2onnx/],
  "Core ML's package": [zip("m.mlpackage/Manifest.json"), "m.zip", /Core ML package: take/],
  "a tar": [tar, "model.tar", /tar archive: unpack/],
  "a gzip": [gzipSync(model), "model.onnx.gz", /gzip: unpack/],
  "a zstd": [join([0x28, 0xb5, 0x2f, 0xfd], zeros(9)), "model.onnx.zst", /Zstandard: unpack/],
  "a 7-Zip archive": [join("7z", [0xbc, 0xaf, 0x27, 0x1c, 0, 4]), "model.7z", /7-Zip.*unpack/],
  HDF5: [join([0x89], "HDF\r\n", [0x1a, 10], zeros(80)), "model.h5", /HDF5.*tf2onnx/],
  "a graph of TensorFlow": [
    join(tfNode, field(1, join(field(1, "w"), field(2, "Const"))), field(4, field(1, 27))),
    "frozen.pb",
    /GraphDef.*tf2onnx/,
  ],
  "a SavedModel": [
    join(field(1, 1), field(2, join(field(1, field(4, "serve")), field(2, tfNode)))),
    "saved_model.pb",
    /SavedModel.*tf2onnx/,
  ],
  "Core ML": [
    join(field(1, 4), field(2, field(1, field(1, "image"))), field(500, field(1, "layer"))),
    "model.mlmodel",
    /Core ML.*converted from/,
  ],
  safetensors: [
    (() => {
      const header = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
      return join([header.length, 0, 0, 0, 0, 0, 0, 0], header, zeros(8));
    })(),
    "model.safetensors",
    /safetensors.*torch\.onnx\.export/,
  ],
  GGUF: [join("GGUF", [3, 0, 0, 0], zeros(20)), "model.gguf", /GGUF.*ONNX/],
  "OpenVINO's graph": [
    text('<?xml version="1.0"?>\n<net name="m" version="11">\n</net>\n'),
    "model.xml",
    /OpenVINO.*converted from/,
  ],
  Caffe: [
    join(field(1, "net"), field(100, join(field(1, "conv1"), field(2, "Convolution")))),
    "net.caffemodel",
    /Caffe.*prototxt/,
  ],
  "Caffe's text": [
    text('name: "net"\nlayer {\n  name: "data"\n  type: "Input"\n}\n'),
    "net.prototxt",
    /Caffe as text.*caffemodel/,
  ],
  ncnn: [text("7767517\n3 3\nInput data 0 1 data\n"), "model.param", /ncnn.*converted from/],
  "a PNG": [
    encodePng({ width: 2, height: 2, channels: 1, data: new Uint8Array(4) }),
    "photo.png",
    /PNG picture.*model first/,
  ],
  "a JPEG": [join([255, 216, 255, 224, 0, 16], "JFIF", zeros(20)), "photo.jpg", /JPEG picture/],
  "a web page": [
    text("<!DOCTYPE html>\n<html><head><title>404</title></head></html>"),
    "model.onnx",
    /web page.*download the file itself/,
  ],
  JSON: [text('{"error": "not found"}'), "model.onnx", /text of JSON: name/],
  "TensorFlow.js": [
    text('{"format": "graph-model", "modelTopology": {}}'),
    "model.json",
    /TensorFlow\.js.*tf2onnx/,
  ],
  "a config.json": [
    text('{"image_mean": [0.5], "size": 3}'),
    "preprocessor_config.json",
    /configuration of a Hugging Face model: name/,
  ],
  "ONNX as text": [
    text('ir_version: 8\nproducer_name: "x"\ngraph {\n  name: "g"\n}\n'),
    "model.txt",
    /as text of Protocol Buffers: .*onnx\.save/,
  ],
  "a text": [text("See the notes for the weights.\n"), "README", /a text: name the \.onnx file/],
  "nothing at all": [zeros(0), "model.onnx", /empty: export or download it again/],
  zeros: [zeros(5000), "model.onnx", /5000 times the byte 0: download/],
  "encrypted bytes": [random(4000), "model.onnx.enc", /without any structure.*decrypt/],
  "OpenSSL's bytes": [join("Salted__", random(400)), "model.enc", /encrypted by OpenSSL: decrypt/],
  "an array": [made("array.npy"), "image.npy", /array of NumPy.*model first/],
  arrays: [made("arrays.npz"), "images.npz", /NumPy arrays.*model first/],
  "weights alone": [
    new Uint8Array(Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * i) / 9).buffer),
    "model.onnx.data",
    /numbers alone.*name the model's own file/,
  ],
  "a model cut early": [cut(0.1), "model.onnx", /without its end: at least \d+ bytes are missing/],
  "a model cut in the middle": [
    cut(0.5),
    "model.onnx",
    /without its end: at least \d+ bytes are missing/,
  ],
  "a model cut near its end": [cut(0.98), "model.onnx", /without its end|no opset|missing/],
  "training information alone": [
    join(field(1, 8), field(20, field(1, field(2, "training"))), field(8, field(2, 17))),
    "training.onnx",
    /training information alone.*export the model/,
  ],
  "no nodes": [changed(({ graph }) => graph?.node.splice(0)), "m.onnx", /no nodes.*Export/],
  "no outputs": [changed(({ graph }) => graph?.output.splice(0)), "m.onnx", /no outputs.*Export/],
};

const external240 = { "w.bin": zeros(240) };

/** Every file by what it is. */
export const files: Readonly<Record<string, BadFile>> = {
  ...Object.fromEntries(
    Object.entries(list).map(([what, [bytes, name, says]]) => [
      what,
      { bytes, name, says, code: unreadable },
    ]),
  ),
  "no inputs": {
    bytes: tinyModel({
      inputs: {},
      constants: { c: { dims: [1, 2, 4, 4], data: Array.from({ length: 32 }, () => 1) } },
      nodes: [["Relu", ["c"], "out"]],
    }),
    name: "m.onnx",
    code: "ERR_IMAGE_INPUT",
    says: /inputs are none.*Export/,
  },
  "an ir_version of the future": {
    bytes: changed((proto) => {
      proto.irVersion = 99n;
    }),
    name: "m.onnx",
    code: "ERR_OPSET",
    says: /found IR version 99.*Export it again/,
  },
  "an ir_version that is none": {
    bytes: changed((proto) => {
      proto.irVersion = 123456n;
    }),
    name: "m.onnx",
    code: unreadable,
    says: /ir_version is 123456.*export it again/,
  },
  "operators of an unknown domain": {
    bytes: changed(({ graph, opsetImport }) => {
      Object.assign(graph?.node[1] ?? {}, { domain: "my.company", opType: "Sharpen" });
      opsetImport.push({ ...(opsetImport[0] as (typeof opsetImport)[0]), domain: "my.company" });
    }),
    name: "m.onnx",
    code: "ERR_MODEL_REFUSED",
    says: /my\.company.*Export it without custom operators/s,
    isLate: true,
  },
  "weights that are missing": {
    bytes: external("w.bin"),
    name: "m.onnx",
    code: "ERR_EXTERNAL_DATA",
    says: /'w\.bin'.*(copy it beside|no data file was given)/,
  },
  "weights that are too short": {
    bytes: external("w.bin", 600),
    name: "m.onnx",
    code: "ERR_EXTERNAL_DATA",
    says: /too short: expected 600 bytes.*240/,
    beside: external240,
  },
  "weights of another length": {
    bytes: external("w.bin", 240),
    name: "m.onnx",
    code: "ERR_EXTERNAL_DATA",
    says: /too short|240 bytes where/,
    beside: external240,
  },
  "weights outside the folder": {
    bytes: external("../w.bin"),
    name: "m.onnx",
    code: "ERR_EXTERNAL_DATA",
    says: /outside the model's folder: put it beside/,
  },
  "weights at an absolute path": {
    bytes: external("/etc/hostname"),
    name: "m.onnx",
    code: "ERR_EXTERNAL_DATA",
    says: /outside the model's folder: put it beside/,
  },
};
