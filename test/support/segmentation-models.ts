import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { GraphBuilder, writeModel, type Value } from "@onnx-asma/autodiff";
import { tinyModel, type TinyModel } from "./tiny-model.ts";

/** Builds a model from an image input of the given dims. */
export function build(
  dims: readonly number[],
  body: (b: GraphBuilder, x: Value) => Record<string, Value>,
  opset = 17,
): Uint8Array {
  const b = GraphBuilder.empty(opset);
  const x = b.input("image", { dtype: "float32", dims });
  for (const [name, value] of Object.entries(body(b, x))) {
    b.output(value, name);
  }
  return writeModel(b.build().model, "embed").bytes;
}

const weight = (i: number) => Math.sin(3 * i + 1);

/** Pointwise convolution of an image or a volume, weights sin(3i + 1). */
export function conv(b: GraphBuilder, x: Value, outputs: number, bias: readonly number[]): Value {
  const inputs = x.dims[1] as number;
  const kernel = x.dims.slice(2).map(() => 1);
  const w = Array.from({ length: outputs * inputs }, (_, i) => weight(i));
  return b.op(
    "Conv",
    [
      x,
      b.constant("float32", [outputs, inputs, ...kernel], w),
      b.constant("float32", [outputs], bias),
    ],
    { group: 1, kernel_shape: kernel },
  );
}

type Node = TinyModel["nodes"][number];

/**
 * A pointwise convolution `scores` of `classes` channels over an image, and what is done with it.
 *
 * @param nodes read `scores`, write `out`
 */
export function headModel(
  imageDims: readonly number[],
  bias: readonly number[],
  nodes: readonly Node[],
  constants: TinyModel["constants"] = {},
  outputs: readonly string[] = ["out"],
  opset = 17,
): Uint8Array {
  const channels = imageDims[1] as number;
  const kernel = imageDims.slice(2).map(() => 1);
  const data = Array.from({ length: bias.length * channels }, (_, i) => weight(i));
  return tinyModel({
    opset,
    inputs: { image: { dims: imageDims } },
    constants: {
      w: { dims: [bias.length, channels, ...kernel], data },
      b: { dims: [bias.length], data: bias },
      ...constants,
    },
    nodes: [["Conv", ["image", "w", "b"], "scores", { group: 1, kernel_shape: kernel }], ...nodes],
    outputs,
  });
}

/** Channels last, in and out, as models of TensorFlow are: [1, H, W, 3] to [1, H, W, 3]. */
export function channelsLastModel(height: number, width: number): Uint8Array {
  return build([1, height, width, 3], (b, x) => ({
    scores: b.transpose(conv(b, b.transpose(x, [0, 3, 1, 2]), 3, [0, 0.1, 0.2]), [0, 2, 3, 1]),
  }));
}

/** Two classes of a volume [1, C, D, H, W]. */
export function volumeModel(size: readonly [number, number, number], channels = 1): Uint8Array {
  return build([1, channels, ...size], (b, x) => {
    const w = b.constant(
      "float32",
      [2, channels, 1, 1, 1],
      Array.from({ length: 2 * channels }, (_, i) => (i < channels ? -2 : 2)),
    );
    const bias = b.constant("float32", [2], [channels, -channels]);
    return { scores: b.op("Conv", [x, w, bias], { group: 1, kernel_shape: [1, 1, 1] }) };
  });
}

/** Three independent channels of probabilities. */
export function multiLabelModel(height: number, width: number): Uint8Array {
  return build([1, 3, height, width], (b, x) => ({
    probabilities: b.op("Sigmoid", [conv(b, x, 3, [-0.4, 0.2, 0])]),
  }));
}

/** A map of colours: argmax over three classes, then a palette. */
export function colouredModel(height: number, width: number): Uint8Array {
  return headModel(
    [1, 3, height, width],
    [0, 0.1, 0.2],
    [
      ["ArgMax", ["scores"], "labels", { axis: 1, keepdims: 0 }],
      ["Gather", ["palette", "labels"], "colours", { axis: 0 }],
      ["Transpose", ["colours"], "out", { perm: [0, 3, 1, 2] }],
    ],
    { palette: { dtype: "uint8", dims: [3, 3], data: [0, 0, 0, 255, 0, 0, 0, 128, 255] } },
  );
}

/**
 * A model of five queries in the manner of MaskFormer: class logits [1, 5, 4] (three classes and void)
 * that depend on the whole image, mask logits [1, 5, H/2, W/2].
 */
export function queryModel(height: number, width: number): Uint8Array {
  return build([1, 3, height, width], (b, x) => {
    const small = b.op("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
    const masks = b.op("Mul", [conv(b, small, 5, [-0.35, 0.2, -0.02, 0.1, -0.2]), b.scalar(6)]);
    const pooled = b.reshape(
      b.reduce("ReduceMean", conv(b, small, 4, [0, 0, 0, 0]), [2, 3]),
      [1, 1, 4],
    );
    const queries = b.constant(
      "float32",
      [1, 5, 4],
      [3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 2, 0, 1, 0, 0, 0, 4],
    );
    return {
      class_queries_logits: b.op("Add", [queries, pooled]),
      masks_queries_logits: masks,
      transformer_decoder_last_hidden_state: b.op("Mul", [queries, pooled]),
    };
  });
}

/** Makes dims of the one input dynamic, as exporters write them. */
export function withDynamicDims(bytes: Uint8Array, axes: readonly number[]): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, bytes);
  const tensor = proto.graph?.input[0]?.type?.value;
  if (tensor?.case === "tensorType") {
    tensor.value.shape?.dim.forEach((dim, axis) => {
      if (axes.includes(axis)) {
        dim.value = { case: "dimParam", value: `d${axis}` };
      }
    });
  }
  if (proto.graph) {
    proto.graph.valueInfo = [];
    for (const output of proto.graph.output) {
      if (output.type?.value.case === "tensorType") {
        output.type.value.value.shape = undefined;
      }
    }
  }
  return toBinary(ModelProtoSchema, proto);
}

/** Down by 4, up again and joined with the image: takes multiples of 4 only. */
export function multipleOfFourModel(): Uint8Array {
  const fixed = build([1, 3, 8, 8], (b, x) => {
    let deep = conv(b, x, 3, [0, 0, 0]);
    for (let i = 0; i < 2; i++) {
      deep = b.op("MaxPool", [deep], { kernel_shape: [2, 2], strides: [2, 2] });
    }
    const w = b.constant(
      "float32",
      [3, 3, 4, 4],
      Array.from({ length: 144 }, (_, i) => Math.cos(i) / 8),
    );
    const up = b.op("ConvTranspose", [deep, w], {
      kernel_shape: [4, 4],
      strides: [4, 4],
      group: 1,
    });
    return { scores: conv(b, b.op("Concat", [x, up], { axis: 1 }), 2, [0, 0]) };
  });
  return withDynamicDims(fixed, [0, 2, 3]);
}
