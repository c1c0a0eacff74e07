import { AutodiffError } from "../errors.ts";
import {
  dataTypeFromProto,
  elementCount,
  type DataType,
  type TensorType,
} from "../model/data-type.ts";
import type { Attributes } from "./attribute.ts";
import { broadcastDims, normalizeAxis, type Value } from "./value.ts";

type Inputs = readonly (Value | null)[];
type Constants = readonly (readonly number[] | null | undefined)[];
type Infer = (inputs: readonly Value[], attributes: Attributes, constants: Constants) => TensorType;

/**
 * dtype and dims of the one output of a node that a rule emits. Covers the operators the rules and
 * step graphs are written in; models' own nodes are resolved by the runtime instead.
 *
 * @throws AutodiffError `ERR_EMITTED_GRAPH` for other operators and for inputs that do not fit: a
 *   fault in the rule, found where it is made
 */
export function inferType(
  opType: string,
  inputs: Inputs,
  attributes: Attributes,
  constants: Constants,
): TensorType {
  const infer = table[opType];
  if (infer === undefined) {
    throw new AutodiffError(
      "ERR_EMITTED_GRAPH",
      `No type inference for emitted operator ${opType}.`,
    );
  }
  return infer(inputs as readonly Value[], attributes, constants);
}

const sameAsFirst: Infer = ([x]) => ({ dtype: (x as Value).dtype, dims: (x as Value).dims });

const broadcast =
  (dtype?: DataType, first = 0): Infer =>
  (inputs) => {
    const dims = broadcastDims(...inputs.map((input) => input.dims));
    const types = inputs.slice(first).map((input) => input.dtype);
    if (dims === undefined || (dtype === undefined && new Set(types).size > 1)) {
      throw misfit(inputs, "dims that broadcast and equal dtypes");
    }
    return { dtype: dtype ?? (types[0] as DataType), dims };
  };

const table: Record<string, Infer> = {
  ...Object.fromEntries(
    [
      "Neg",
      "Sqrt",
      "Exp",
      "Log",
      "Abs",
      "Sign",
      "Relu",
      "Sigmoid",
      "Tanh",
      "Erf",
      "Sin",
      "Cos",
      "Sinh",
      "Cosh",
      "Round",
      "Floor",
      "Reciprocal",
      "Not",
      "Softmax",
      "Clip",
      "CumSum",
      "ScatterElements",
      "ScatterND",
      "Trilu",
      "DFT",
      "ReverseSequence",
      "HardSigmoid",
      "Softplus",
      "Identity",
      "LeakyRelu",
      "LogSoftmax",
      "Elu",
      "Softsign",
      "ThresholdedRelu",
    ].map((op) => [op, sameAsFirst]),
  ),
  ...Object.fromEntries(
    ["Add", "Sub", "Mul", "Div", "Min", "Max", "Mod"].map((op) => [op, broadcast()]),
  ),
  ...Object.fromEntries(
    ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or"].map((op) => [
      op,
      broadcast("bool"),
    ]),
  ),
  Pow: (inputs, attributes, constants) => ({
    ...broadcast("float32")(inputs, attributes, constants),
    dtype: (inputs[0] as Value).dtype,
  }),
  Where: (inputs, attributes, constants) => broadcast(undefined, 1)(inputs, attributes, constants),
  Cast: ([x], { to }) => ({
    dtype: dataTypeFromProto(to as number) as DataType,
    dims: (x as Value).dims,
  }),
  QuantizeLinear: ([x, , zeroPoint]) => ({
    dtype: zeroPoint?.dtype ?? "uint8",
    dims: (x as Value).dims,
  }),
  DequantizeLinear: ([q, scale]) => ({ dtype: (scale as Value).dtype, dims: (q as Value).dims }),
  Reshape: ([x, shape], _, [, dims]) => {
    if (dims == null || elementCount(dims) !== elementCount((x as Value).dims)) {
      throw misfit([x as Value, shape as Value], "a constant shape of as many elements");
    }
    return { dtype: (x as Value).dtype, dims: [...dims] };
  },
  Transpose: ([x], { perm }) => ({
    dtype: (x as Value).dtype,
    dims: (perm as readonly number[]).map((axis) => (x as Value).dims[axis] as number),
  }),
  Expand: ([x], _, [, dims]) => {
    const result = broadcastDims((x as Value).dims, dims as readonly number[]);
    if (result === undefined) {
      throw misfit([x as Value], `dims that broadcast to [${dims?.join(", ")}]`);
    }
    return { dtype: (x as Value).dtype, dims: result };
  },
  Concat: (inputs, { axis }) => {
    const [x] = inputs as readonly [Value];
    const at = normalizeAxis(axis as number, x.dims.length);
    const size = inputs.reduce((sum, input) => sum + (input.dims[at] as number), 0);
    return { dtype: x.dtype, dims: x.dims.map((d, i) => (i === at ? size : d)) };
  },
  Slice: ([x], _, [, starts, ends, axes, steps]) => {
    const dims = [...(x as Value).dims];
    (axes as readonly number[]).forEach((axis, k) => {
      const d = dims[axis] as number;
      const { start, end, step } = sliceRange(d, starts?.[k] ?? 0, ends?.[k] ?? d, steps?.[k] ?? 1);
      dims[axis] = Math.max(0, Math.ceil((end - start) / step));
    });
    return { dtype: (x as Value).dtype, dims };
  },
  Pad: ([x], _, [, pads]) => {
    const rank = (x as Value).dims.length;
    return {
      dtype: (x as Value).dtype,
      dims: (x as Value).dims.map((d, i) => d + (pads?.[i] ?? 0) + (pads?.[i + rank] ?? 0)),
    };
  },
  Tile: ([x], _, [, repeats]) => ({
    dtype: (x as Value).dtype,
    dims: (x as Value).dims.map((d, i) => d * (repeats?.[i] ?? 1)),
  }),
  Gather: ([x, indices], { axis = 0 }) => {
    const { dtype, dims } = x as Value;
    const at = normalizeAxis(axis as number, dims.length);
    return {
      dtype,
      dims: [...dims.slice(0, at), ...(indices as Value).dims, ...dims.slice(at + 1)],
    };
  },
  GatherElements: ([x, indices]) => ({
    dtype: (x as Value).dtype,
    dims: (indices as Value).dims,
  }),
  GatherND: ([x, indices], { batch_dims = 0 }) => {
    const depth = (indices as Value).dims.at(-1) as number;
    return {
      dtype: (x as Value).dtype,
      dims: [
        ...(indices as Value).dims.slice(0, -1),
        ...(x as Value).dims.slice((batch_dims as number) + depth),
      ],
    };
  },
  Det: ([x]) => ({ dtype: (x as Value).dtype, dims: (x as Value).dims.slice(0, -2) }),
  ArgMax: ([x], { axis = 0, keepdims = 1 }) => {
    const { dims } = x as Value;
    const at = normalizeAxis(axis as number, dims.length);
    return {
      dtype: "int64",
      dims: keepdims ? dims.map((d, i) => (i === at ? 1 : d)) : dims.filter((_, i) => i !== at),
    };
  },
  MatMul: (inputs) => {
    const [a, b] = inputs as readonly [Value, Value];
    const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
    if (
      a.dims.length < 2 ||
      b.dims.length < 2 ||
      a.dims.at(-1) !== b.dims.at(-2) ||
      batch === undefined
    ) {
      throw misfit(inputs, "matrices that multiply");
    }
    return { dtype: a.dtype, dims: [...batch, a.dims.at(-2) as number, b.dims.at(-1) as number] };
  },
  Gemm: (inputs, { transA = 0, transB = 0 }) => {
    const [a, b] = inputs as readonly [Value, Value];
    const [m, k] = transA ? [a.dims[1], a.dims[0]] : a.dims;
    const [kb, n] = transB ? [b.dims[1], b.dims[0]] : b.dims;
    if (k !== kb) {
      throw misfit(inputs, "matrices that multiply");
    }
    return { dtype: a.dtype, dims: [m as number, n as number] };
  },
  Conv: (inputs, attributes) => {
    const [x, w] = inputs as readonly [Value, Value];
    if (x.dims[1] !== (w.dims[1] as number) * ((attributes["group"] ?? 1) as number)) {
      throw misfit(inputs, "as many channels as the weights have");
    }
    const spatial = x.dims.slice(2).map((n, i) => {
      const { stride, dilation, begin, end } = window(attributes, i, x.dims.length - 2);
      const kernel = dilation * ((w.dims[i + 2] as number) - 1) + 1;
      return Math.floor((n + begin + end - kernel) / stride) + 1;
    });
    return { dtype: x.dtype, dims: [x.dims[0] as number, w.dims[0] as number, ...spatial] };
  },
  ConvTranspose: (inputs, attributes) => {
    const [x, w] = inputs as readonly [Value, Value];
    const spatial = x.dims.slice(2).map((n, i) => {
      const { stride, dilation, begin, end } = window(attributes, i, x.dims.length - 2);
      const extra = (attributes["output_padding"] as readonly number[] | undefined)?.[i] ?? 0;
      return (
        stride * (n - 1) + extra + dilation * ((w.dims[i + 2] as number) - 1) + 1 - begin - end
      );
    });
    const channels = (w.dims[1] as number) * ((attributes["group"] ?? 1) as number);
    return { dtype: x.dtype, dims: [x.dims[0] as number, channels, ...spatial] };
  },
  ...Object.fromEntries(
    ["AveragePool", "MaxPool"].map((op) => [
      op,
      ((inputs, attributes) => {
        const [x] = inputs as readonly [Value];
        const kernel = attributes["kernel_shape"] as readonly number[];
        const spatial = kernel.map((k, i) => {
          const { stride, begin, end } = window(attributes, i, kernel.length);
          return Math.floor(((x.dims[i + 2] as number) + begin + end - k) / stride) + 1;
        });
        return { dtype: x.dtype, dims: [...x.dims.slice(0, 2), ...spatial] };
      }) satisfies Infer,
    ]),
  ),
  MaxUnpool: ([x], _, [, , dims]) => ({
    dtype: (x as Value).dtype,
    dims: dims as readonly number[],
  }),
  DepthToSpace: ([x], { blocksize }) => {
    const [n, c, h, w] = (x as Value).dims as readonly [number, number, number, number];
    const s = blocksize as number;
    return { dtype: (x as Value).dtype, dims: [n, c / (s * s), h * s, w * s] };
  },
};

/** Strides, dilations and pads of one spatial axis of a convolution or pool. */
function window(attributes: Attributes, axis: number, rank: number) {
  const at = (name: string, i: number, fallback: number) =>
    (attributes[name] as readonly number[] | undefined)?.[i] ?? fallback;
  return {
    stride: at("strides", axis, 1),
    dilation: at("dilations", axis, 1),
    begin: at("pads", axis, 0),
    end: at("pads", axis + rank, 0),
  };
}

/** Start, end and step of a Slice along an axis of `size`, clamped as ONNX Slice (opset 13) says. */
export function sliceRange(
  size: number,
  start: number,
  end: number,
  step: number,
): { start: number; end: number; step: number } {
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  return step > 0
    ? { start: clamp(from, 0, size), end: clamp(to, 0, size), step }
    : { start: clamp(from, 0, size - 1), end: clamp(to, -1, size - 1), step };
}

function misfit(inputs: Inputs, expected: string): AutodiffError {
  const found = inputs
    .map((i) => (i ? `${i.name} ${i.dtype}[${i.dims.join(", ")}]` : "none"))
    .join("; ");
  return new AutodiffError("ERR_EMITTED_GRAPH", `Expected ${expected} but found ${found}.`);
}
