import { create } from "@bufbuild/protobuf";
import type { GraphProto, NodeProto, TensorProto } from "../model/onnx-messages.ts";
import { NodeProtoSchema } from "../model/onnx-schema.ts";
import { copyMessage } from "../model/copy-message.ts";
import {
  intAttribute,
  makeAttributes,
  stringAttribute,
  type Attributes,
} from "../graph/attribute.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import { renameReads } from "../graph/rename-reads.ts";
import { dataTypeFromProto, dataTypeToProto, type DataType } from "../model/data-type.ts";
import type { Model } from "../model/model.ts";
import { hasOneElement, makeTensor } from "../model/tensor.ts";
import type { PassContext } from "./pass.ts";
import { isQuantization } from "../graph/quantization.ts";

/** Operators that move or choose numbers, and which of their inputs hold them. */
const moving: Readonly<Record<string, readonly number[] | "all">> = {
  Clip: [0, 1, 2],
  Concat: "all",
  DepthToSpace: [0],
  Expand: [0],
  Flatten: [0],
  Gather: [0],
  GatherElements: [0],
  GatherND: [0],
  GlobalMaxPool: [0],
  Identity: [0],
  Max: "all",
  MaxPool: [0],
  Min: "all",
  Pad: [0, 2],
  ReduceMax: [0],
  ReduceMin: [0],
  Relu: [0],
  Reshape: [0],
  Resize: [0],
  Slice: [0],
  SpaceToDepth: [0],
  Split: [0],
  Squeeze: [0],
  Tile: [0],
  Transpose: [0],
  Unsqueeze: [0],
  Where: [1, 2],
};

/** Arithmetic that is the same in float32 as long as no integer overflows. */
const arithmetic = new Set(["Abs", "Add", "Mul", "Neg", "Sub"]);

/** Bits of the number, the sign apart. */
const bits: Partial<Record<DataType, number>> = {
  int8: 7,
  uint8: 8,
  int16: 15,
  uint16: 16,
  int32: 31,
  uint32: 32,
  int64: 63,
  uint64: 64,
};

/** An integer tensor with a float32 twin that holds the same numbers. */
interface Carried {
  /** Name of the twin; what computes it is made at the first call. */
  readonly twin: () => string;
  /** `undefined` for types without a name here (4 bits). */
  readonly dtype: DataType | undefined;
}

/**
 * Gives integer tensors that come from floats a float32 twin with the same numbers, along which a
 * gradient can flow: the results of QuantizeLinear, and graph inputs, which become float32. Operators
 * that move or choose numbers (Transpose, Concat, MaxPool, …) are repeated on the twins, up to the Cast
 * or DequantizeLinear that ends the integers. What else reads the integers (comparisons, integer
 * kernels) still does. QuantizeLinear with DequantizeLinear right behind it stays: these two have
 * gradient rules.
 *
 * The context names the graph inputs. Whole numbers are meant, but the twin is the input as it is fed, not
 * rounded.
 *
 * @returns whether there was such a tensor
 */
export function carryIntegersAsFloats(
  { graph }: Model,
  { integerInputs }: Pick<PassContext, "integerInputs">,
): boolean {
  return new Carrier(graph).run(integerInputs);
}

class Carrier {
  readonly #graph: GraphProto;
  readonly #names: NameAuthority;
  readonly #initializers: ReadonlyMap<string, TensorProto>;
  readonly #carried = new Map<string, Carried>();
  readonly #floats = new Map<string, string>();
  readonly #added: NodeProto[] = [];

  constructor(graph: GraphProto) {
    this.#graph = graph;
    this.#names = new NameAuthority(namesOf(graph));
    this.#initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  }

  run(inputs: ReadonlySet<string>): boolean {
    for (const { name } of this.#graph.input.filter((input) => inputs.has(input.name))) {
      this.#freeInput(name);
    }
    const quantizers = new Set(
      this.#graph.node
        .filter((node) => isQuantization(node, "QuantizeLinear"))
        .flatMap((node) => node.output),
    );
    for (const node of this.#graph.node) {
      const [first = ""] = node.input;
      if (isQuantization(node, "QuantizeLinear")) {
        this.#startAt(node);
      } else if (isQuantization(node, "DequantizeLinear")) {
        if (!quantizers.has(first)) {
          this.#endAtDequantize(node);
        }
      } else if (node.domain === "" && node.opType === "Cast") {
        this.#cast(node);
      } else if (node.domain === "") {
        this.#repeat(node);
      }
    }
    this.#graph.node.push(...this.#added);
    return this.#added.length > 0;
  }

  /** Makes a graph input float32; who needs integers gets them from it. */
  #freeInput(name: string): void {
    const tensor = this.#graph.input.find((input) => input.name === name)?.type?.value;
    const dtype =
      tensor?.case === "tensorType" ? dataTypeFromProto(tensor.value.elemType) : undefined;
    if (tensor?.case !== "tensorType" || dtype === undefined) {
      return;
    }
    tensor.value.elemType = dataTypeToProto("float32");
    // QuantizeLinear counts as a way that a gradient takes: kernels of 8 bits behind it are then named.
    const integers =
      bits[dtype] === 7 || bits[dtype] === 8
        ? this.#append(`${name}_${dtype}`, "QuantizeLinear", [
            name,
            this.#constant("float32", 1),
            this.#constant(dtype, 0),
          ])
        : this.#append(
            `${name}_${dtype}`,
            "Cast",
            [this.#append(`${name}_rounded`, "Round", [name])],
            { to: dataTypeToProto(dtype) },
          );
    renameReads(this.#graph.node, new Map([[name, integers]]), this.#names);
    this.#carried.set(integers, { twin: () => name, dtype });
  }

  #startAt(node: NodeProto): void {
    const [output = ""] = node.output;
    const zeroPoint = this.#initializers.get(node.input[2] ?? "");
    this.#carried.set(output, {
      twin: once(() =>
        this.#append(`${output}_float`, "DequantizeLinear", [output, this.#constant("float32", 1)]),
      ),
      dtype: zeroPoint ? dataTypeFromProto(zeroPoint.dataType) : "uint8",
    });
  }

  /** (q − z)·s of the twin. Scales per channel are left: no exporter writes them for activations. */
  #endAtDequantize(node: NodeProto): void {
    const [q = "", s = "", z = ""] = node.input;
    const source = this.#carried.get(q);
    const scale = this.#initializers.get(s);
    if (
      source === undefined ||
      !hasOneElement(scale) ||
      scale?.dataType !== dataTypeToProto("float32") ||
      intAttribute(node, "block_size", 0) !== 0
    ) {
      return;
    }
    const centred =
      z === ""
        ? source.twin()
        : this.#append(`${node.name}/centred`, "Sub", [source.twin(), this.#toFloat(z)]);
    Object.assign(node, { opType: "Mul", domain: "", input: [centred, s], attribute: [] });
  }

  #cast(node: NodeProto): void {
    const source = this.#carried.get(node.input[0] ?? "");
    const to = dataTypeFromProto(intAttribute(node, "to", 0));
    if (source === undefined || to === undefined) {
      return;
    }
    if (to.startsWith("float") || to === "bfloat16") {
      node.input = [source.twin()];
    } else if (holds(to, source.dtype)) {
      this.#carried.set(node.output[0] as string, { twin: source.twin, dtype: to });
    }
  }

  #repeat(node: NodeProto): void {
    const data = this.#numberInputs(node);
    const lead = data.map((i) => this.#carried.get(node.input[i] as string)).find((c) => c);
    const isRounding =
      node.opType === "Resize" && stringAttribute(node, "mode", "nearest") !== "nearest";
    if (lead === undefined || isRounding) {
      return;
    }
    // Of what has several outputs, only parts are numbers: MaxPool has indices.
    const outputs = node.opType === "Split" ? node.output : node.output.slice(0, 1);
    const twin = once(() => {
      const result = Object.assign(copyMessage(node), {
        name: this.#names.unique(`${node.name}_float`),
        input: node.input.map((name, i) => (data.includes(i) ? this.#toFloat(name) : name)),
        output: outputs.map((name) => this.#names.unique(`${name}_float`)),
      });
      this.#added.push(result);
      return result;
    });
    outputs.forEach((name, i) => {
      this.#carried.set(name, { twin: () => twin().output[i] as string, dtype: lead.dtype });
    });
  }

  /** Positions of the inputs that hold the numbers which the node passes on. */
  #numberInputs(node: NodeProto): readonly number[] {
    const all = node.input.map((_, i) => i);
    // Operators are named by the file: an own property, or none.
    const positions = Object.hasOwn(moving, node.opType) ? moving[node.opType] : undefined;
    if (positions !== undefined) {
      return positions === "all" ? all : all.filter((i) => positions.includes(i));
    }
    const isExact = node.input.some((name) => {
      const dtype = this.#carried.get(name)?.dtype;
      return dtype !== undefined && (bits[dtype] ?? 0) >= 31;
    });
    return isExact && arithmetic.has(node.opType) ? all : [];
  }

  /** The twin of a tensor, or a Cast of one that has none. */
  #toFloat(name: string): string {
    const known = name === "" ? "" : (this.#carried.get(name)?.twin() ?? this.#floats.get(name));
    if (known !== undefined) {
      return known;
    }
    const float = this.#append(`${name}_float`, "Cast", [name], { to: dataTypeToProto("float32") });
    this.#floats.set(name, float);
    return float;
  }

  #constant(dtype: DataType, number: number): string {
    const key = `${dtype} ${number}`;
    const name = this.#floats.get(key) ?? this.#names.unique(`${dtype}_${number}`);
    if (!this.#floats.has(key)) {
      this.#floats.set(key, name);
      this.#graph.initializer.push(makeTensor(name, dtype, [], [number]));
    }
    return name;
  }

  #append(hint: string, opType: string, input: string[], attributes: Attributes = {}): string {
    const output = this.#names.unique(hint);
    const name = this.#names.unique(`${hint}/${opType}`);
    const attribute = makeAttributes(attributes);
    this.#added.push(create(NodeProtoSchema, { name, opType, input, output: [output], attribute }));
    return output;
  }
}

/** Whether every number of one integer type is one of another. */
function holds(wide: DataType, narrow: DataType | undefined): boolean {
  const [to, from] = [bits[wide] ?? 0, (narrow && bits[narrow]) ?? 65];
  return to >= from && (!wide.startsWith("u") || narrow?.startsWith("u") === true);
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
