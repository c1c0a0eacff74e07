import { create } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
} from "../model/onnx-schema.ts";
import { dataTypeToProto, type DataType, type TensorType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { intsAttribute, makeAttributes, type Attributes } from "./attribute.ts";
import { isBlocked, padWithZeros } from "./blocked-layout.ts";
import { GraphEditor } from "./graph-editor.ts";
import { ResolvedModel } from "./resolved-model.ts";
import type { Target } from "./target.ts";
import { sameDims, type Value } from "./value.ts";

/**
 * Tensors that a node splits or joins at most; more go in groups. A kernel on WebGPU binds a buffer for each and
 * may bind eight, and loading takes the square of the number of them.
 */
const mostTensors: Readonly<Record<Target, number>> = { any: 7, cpu: 32 };

function inGroups<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) =>
    list.slice(i * size, (i + 1) * size),
  );
}

/**
 * Appends the operators whose signature changed between opsets (axes as attribute or input, …) or whose
 * integer arguments are inputs, so that nothing else needs to know the opset.
 */
export class GraphBuilder extends GraphEditor {
  /** A builder that starts from nothing. @param opset 17 or newer */
  static empty(opset = 17): GraphBuilder {
    const proto = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })],
      graph: create(GraphProtoSchema, { name: "graph" }),
    });
    return new GraphBuilder(new ResolvedModel(new Model(proto, []), new Map()));
  }

  /** A tensor with the same number everywhere. */
  fill(number: number, { dtype, dims }: TensorType): Value {
    return this.expand(this.scalar(number, dtype), dims);
  }

  reshape(x: Value, dims: readonly number[]): Value {
    return sameDims(x.dims, dims) ? x : this.op("Reshape", [x, this.ints(dims)]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    const is = (order?: readonly number[]) => order?.every((axis, i) => axis === i);
    const made = this.producer(x);
    const before = made?.opType === "Transpose" ? intsAttribute(made, "perm") : undefined;
    if (made !== undefined && is(before && perm.map((axis) => before[axis] as number))) {
      // Transposed back, as gradients do with weights.
      return this.value(made.input[0] as string);
    }
    return is(perm) ? x : this.op("Transpose", [x], { perm });
  }

  expand(x: Value, dims: readonly number[]): Value {
    return sameDims(x.dims, dims) ? x : this.op("Expand", [x, this.ints(dims)]);
  }

  cast(x: Value, dtype: DataType): Value {
    return x.dtype === dtype ? x : this.op("Cast", [x], { to: dataTypeToProto(dtype) });
  }

  /** ReduceSum, ReduceMean, ReduceMax, … (axes are an attribute before opset 18). */
  reduce(
    opType: "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd",
    x: Value,
    axes: readonly number[],
    keepdims = true,
  ): Value {
    const asInput = opType === "ReduceSum" || this.opset >= 18;
    if (axes.length === 0) {
      return x;
    }
    const type: TensorType = {
      dtype: x.dtype,
      dims: keepdims
        ? x.dims.map((d, i) => (axes.includes(i) ? 1 : d))
        : x.dims.filter((_, i) => !axes.includes(i)),
    };
    return this.append(
      opType,
      asInput ? [x, this.ints(axes)] : [x],
      makeAttributes({ axes: asInput ? undefined : axes, keepdims: keepdims ? 1 : 0 }),
      [type],
    )[0] as Value;
  }

  /** Slice with one entry per axis named, of positive step: {@link reverse} turns round. */
  slice(
    x: Value,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): Value {
    return this.op("Slice", [x, ...[starts, ends, axes, steps].map((list) => this.ints(list))]);
  }

  /** The elements in reverse order along the axes. */
  reverse(x: Value, axes: readonly number[]): Value {
    if (this.target !== "cpu") {
      // ONNX Runtime 1.30 takes other elements for slices of negative step on WebGPU (its issue 24744).
      const backwards = (axis: number) =>
        Array.from({ length: x.dims[axis] as number }, (_, i) => (x.dims[axis] as number) - 1 - i);
      return axes.reduce(
        (value, axis) => this.op("Gather", [value, this.ints(backwards(axis))], { axis }),
        x,
      );
    }
    const all = (number: number) => axes.map(() => number);
    return axes.length === 0
      ? x
      : this.slice(x, axes, all(-1), all(Number.MIN_SAFE_INTEGER), all(-1));
  }

  /** Constant padding; negative amounts crop. `pads` in ONNX order: all begins, then all ends. */
  pad(x: Value, pads: readonly number[], value = 0): Value {
    if (pads.every((p) => p === 0)) {
      return x;
    }
    const rank = x.dims.length;
    const isSpatial = rank === 4 && [0, 1, 4, 5].every((i) => pads[i] === 0);
    if (isSpatial && value === 0 && pads.every((p) => p >= 0) && isBlocked(this, x)) {
      return padWithZeros(
        this,
        x,
        [2, 3, 6, 7].map((i) => pads[i] as number),
      );
    }
    const dims = x.dims.map((d, i) => d + (pads[i] as number) + (pads[i + rank] as number));
    return this.append(
      "Pad",
      [x, this.ints(pads), this.scalar(value, x.dtype)],
      makeAttributes({ mode: "constant" }),
      [{ dtype: x.dtype, dims }],
    )[0] as Value;
  }

  /** One behind the other along an axis. */
  concat(values: readonly Value[], axis: number): Value {
    const most = mostTensors[this.target];
    return values.length <= most
      ? this.op("Concat", [...values], { axis })
      : this.concat(
          inGroups(values, most).map((group) => this.concat(group, axis)),
          axis,
        );
  }

  /** Splits into parts of the given sizes. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    const most = mostTensors[this.target];
    if (sizes.length > most) {
      const groups = inGroups(sizes, most);
      const totals = groups.map((group) => group.reduce((sum, size) => sum + size, 0));
      return this.split(x, axis, totals).flatMap((part, i) =>
        this.split(part, axis, groups[i] as number[]),
      );
    }
    const types = sizes.map((size) => ({
      dtype: x.dtype,
      dims: x.dims.map((d, i) => (i === axis ? size : d)),
    }));
    return this.append("Split", [x, this.ints(sizes)], makeAttributes({ axis }), types);
  }

  /** Nearest-neighbour upsampling of height and width by whole factors. */
  upsample(x: Value, factors: readonly number[]): Value {
    const scales = this.constant("float32", [4], [1, 1, ...factors]);
    const dims = x.dims.map((d, i) => (i < 2 ? d : d * (factors[i - 2] as number)));
    return this.append(
      "Resize",
      [x, null, scales],
      makeAttributes({
        mode: "nearest",
        nearest_mode: "floor",
        coordinate_transformation_mode: "asymmetric",
      }),
      [{ dtype: x.dtype, dims }],
    )[0] as Value;
  }

  /**
   * The same numbers, but depending on the graph's first float32 input as far as the runtime can see, so
   * that nothing computed from them is folded into a constant. `undefined` without such an input.
   */
  atEveryRun(constant: Value): Value | undefined {
    const input = this.graph.input.find(
      ({ name }) => this.has(name) && this.value(name).dtype === "float32",
    );
    if (input === undefined) {
      return undefined;
    }
    const x = this.value(input.name);
    const axes = x.dims.map((_, i) => i);
    const [starts, ends] = [axes.map(() => 0), axes.map(() => 1)];
    const element = axes.length === 0 ? x : this.reshape(this.slice(x, axes, starts, ends), []);
    const zero = this.op("Clip", [element, this.scalar(0), this.scalar(0)]);
    return this.op("Add", [constant, zero]);
  }

  /** The discrete Fourier transform along an axis of [..., 2] complex numbers (opset 17). */
  dft(x: Value, axis: number, isInverse: boolean): Value {
    const inverse = isInverse ? 1 : 0;
    return this.opset < 20
      ? this.op("DFT", [x], { axis, inverse })
      : this.op("DFT", [x, null, this.scalar(axis, "int64")], { inverse });
  }

  /** The second output of a MaxPool whose first has the type of `y`. */
  maxPoolIndices(x: Value, y: Value, attributes: Attributes): Value {
    const types: TensorType[] = [y, { dtype: "int64", dims: y.dims }];
    return this.append("MaxPool", [x], makeAttributes(attributes), types)[1] as Value;
  }

  /** The matrix product, batched as in ONNX MatMul. */
  matmul(a: Value, b: Value): Value {
    return this.op("MatMul", [a, b]);
  }

  /** alpha·a·b of two matrices, either transposed. */
  gemm(
    a: Value,
    b: Value,
    attributes: {
      readonly alpha?: { readonly float: number };
      readonly transA?: number;
      readonly transB?: number;
    },
  ): Value {
    return this.op("Gemm", [a, b], attributes);
  }
}
