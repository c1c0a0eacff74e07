import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProto, type NodeProto } from "onnx-buf";
import { mulberry32 } from "../../packages/autodiff/src/check/mulberry32.ts";

const names = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "x0",
  "v0_0",
  "c0",
  "\0",
];
const opTypes =
  "Relu Conv MaxPool ConvTranspose Resize Reshape Gather Split Loop __proto__ constructor toString NonExistent Concat Slice Pad Expand BatchNormalization LayerNormalization Gemm MatMul AveragePool Squeeze Constant Shape Transpose ReduceSum DepthToSpace Tile CumSum If".split(
    " ",
  );
const integers = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  65535n,
  -(2n ** 31n),
  2n ** 31n,
  2n ** 62n,
  -(2n ** 63n),
  2n ** 63n - 1n,
];
const floats = [0, -1, 1e38, -1e38, Number.NaN, Number.POSITIVE_INFINITY, 1e-45];

/** A faulty copy of a model: one to three faults, in its bytes or in its messages. */
export function mutateModel(bytes: Uint8Array, seed: number): Uint8Array {
  const random = mulberry32(seed);
  const int = (below: number) => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T => list[int(list.length)] as T;
  let mutated = Uint8Array.from(bytes);
  for (let faults = 1 + int(3); faults > 0; faults--) {
    mutated = random() < 0.1 ? inBytes(mutated) : inMessages(mutated);
  }
  return mutated;

  function inBytes(model: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const [at, length] = [int(model.length), int(1 + Math.min(40, model.length / 2))];
    switch (int(4)) {
      case 0:
        return model.map((v, i) => (i === at ? v ^ (1 << int(8)) : v));
      case 1:
        return model.map((v, i) => (i >= at && i < at + length ? int(256) : v));
      case 2:
        return Uint8Array.from([...model.subarray(0, at), ...model.subarray(at + length)]);
      default:
        return Uint8Array.from([...model.subarray(0, at + length), ...model.subarray(at)]);
    }
  }

  function inMessages(model: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    try {
      const proto = fromBinary(ModelProtoSchema, model);
      const { graph } = proto;
      if (graph === undefined || graph.node.length === 0) {
        return model;
      }
      if (random() < 0.05) {
        for (const entry of proto.opsetImport) {
          entry.version = pick([0n, 1n, 7n, 9n, 10n, 13n, 30n, -1n, 2n ** 62n]);
        }
        proto.irVersion = pick([0n, -1n, 3n, 8n, 99n]);
      } else {
        change(graph, pick(graph.node));
      }
      return toBinary(ModelProtoSchema, proto) as Uint8Array<ArrayBuffer>;
    } catch {
      return model;
    }
  }

  function change(graph: GraphProto, node: NodeProto): void {
    const tensors = graph.initializer;
    const attribute = node.attribute.length > 0 ? pick(node.attribute) : undefined;
    const tensor = tensors.length > 0 ? pick(tensors) : undefined;
    const anyName = () => pick([...names, ...graph.node.flatMap((n) => n.output)]);
    const input = graph.input[int(graph.input.length)]?.type?.value;
    const dims = input?.case === "tensorType" ? (input.value.shape?.dim ?? []) : [];
    const changes: (() => unknown)[] = [
      () => (node.opType = pick(opTypes)),
      () => (node.opType = pick(graph.node).opType),
      () => (node.domain = pick(["", "ai.onnx", "com.microsoft", "constructor"])),
      () => (node.input[int(node.input.length + 1)] = anyName()),
      () => (node.output[int(node.output.length + 1)] = anyName()),
      () => (node.input = node.input.slice(0, int(node.input.length + 1))),
      () => (node.output = node.output.slice(0, int(node.output.length + 1))),
      () => node.attribute.splice(int(node.attribute.length), 1),
      () => attribute && node.attribute.push(attribute),
      () => attribute && (attribute.i = pick(integers)),
      () => attribute && (attribute.f = pick(floats)),
      () =>
        attribute && (attribute.ints = attribute.ints.map((v) => (int(2) ? pick(integers) : v))),
      () => attribute && (attribute.ints = attribute.ints.slice(int(3))),
      () => attribute && attribute.ints.push(pick(integers)),
      () => attribute && (attribute.name = pick([...names, "axis", "pads", "group", "strides"])),
      () => attribute && (attribute.type = int(14)),
      () =>
        attribute &&
        (attribute.s = Buffer.from(pick([...names, "linear", "reflect", "SAME_UPPER", "\ufffd"]))),
      () => graph.node.splice(int(graph.node.length), 1),
      () => graph.node.push(node),
      () => graph.node.reverse(),
      () => tensors.splice(int(tensors.length), 1),
      () => tensor && tensors.push(tensor),
      () => tensor && (tensor.dims[int(tensor.dims.length + 1)] = pick(integers)),
      () => tensor && (tensor.dims = tensor.dims.toReversed()),
      () => tensor && (tensor.dataType = int(25)),
      () => tensor && (tensor.rawData = tensor.rawData.slice(0, int(tensor.rawData.length + 1))),
      () => tensor && (tensor.rawData = tensor.rawData.map(() => int(256))),
      () => tensor && (tensor.name = anyName()),
      () => tensor && (tensor.dataLocation = 1),
      () => ((graph.output[0] as { name: string }).name = anyName()),
      () => graph.input.splice(int(graph.input.length), 1),
      () => input?.case === "tensorType" && (input.value.elemType = int(25)),
      () => dims.length > 0 && (pick(dims).value = { case: "dimValue", value: pick(integers) }),
      () => dims.length > 0 && (pick(dims).value = { case: "dimParam", value: "N" }),
      () => dims.length > 0 && dims.pop(),
      () => dims.length > 0 && dims.push(pick(dims)),
    ];
    pick(changes)();
  }
}
