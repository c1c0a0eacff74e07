import {
  AttributeProto_AttributeType as Type,
  type AttributeProto,
  type NodeProto,
} from "onnx-buf";
import { intAttribute, makeAttributes, stringAttribute, type Attributes } from "../graph/attribute.ts";

/** What a {@link Change} may put before the node that it rewrites. */
export interface NodesBefore {
  /** Appends a node; returns the name of its output. */
  op(opType: string, inputs: readonly string[], attributes: Attributes): string;
  /** Appends a constant of an attribute's numbers, int64 or float32; one integer becomes a list of it. */
  constant(attribute: AttributeProto): string;
  /** The numbers of a constant, `undefined` for what is computed. */
  numbers(name: string): readonly number[] | undefined;
  /** Whether there may be floats of other types than float32. */
  hasOtherFloats(): boolean;
}

/** Rewrites a node in place for the opset that changed its operator; says why, where it cannot. */
type Change = (node: NodeProto, before: NodesBefore) => string | void;

/** Removes an attribute and returns it. */
function take(node: NodeProto, name: string): AttributeProto | undefined {
  const found = node.attribute.find((attribute) => attribute.name === name);
  node.attribute = node.attribute.filter((attribute) => attribute !== found);
  return found;
}

function set(node: NodeProto, attributes: Attributes): void {
  node.attribute.push(...makeAttributes(attributes));
}

/** Attributes became inputs, behind the first. */
const toInputs =
  (...names: readonly string[]): Change =>
  (node, before) => {
    for (const name of names) {
      const attribute = take(node, name);
      let input = attribute === undefined ? "" : before.constant(attribute);
      if (attribute?.type === Type.FLOAT && before.hasOtherFloats()) {
        input = before.op("CastLike", [input, node.input[0] as string], {});
      }
      node.input.push(input);
    }
    while (node.input.at(-1) === "") {
      node.input.pop();
    }
  };

const renamed =
  (opType: string): Change =>
  (node) => {
    node.opType = opType;
  };

const refused = (reason: string) => (): string => reason;

/** All axes from `axis` on were one. */
const overOneAxis: Change = (node, before) => {
  const axis = intAttribute(node, "axis", 1);
  if (axis !== -1) {
    const [x = ""] = node.input;
    const flat = before.op("Flatten", [x], { axis });
    node.input = [
      before.op(node.opType, [flat], { axis: -1 }),
      before.op("Shape", [x], {}),
    ];
    node.attribute = [];
    node.opType = "Reshape";
  }
};

/** Coordinates were asymmetric; neighbours were rounded up where an axis shrinks, else down. */
const resizeOf10: Change = (node, before) => {
  const [x = "", scales = ""] = node.input;
  const coordinates = { coordinate_transformation_mode: "asymmetric" };
  node.input = [x, "", scales];
  set(node, coordinates);
  if (stringAttribute(node, "mode", "nearest") !== "nearest") {
    return;
  }
  const numbers = before.numbers(scales);
  const isGrowing = numbers?.every((scale) => scale >= 1) ?? false;
  if (!isGrowing && numbers?.every((scale) => scale <= 1) !== true) {
    // One after the other, each with the axes of the other left alone.
    const one = before.op("Constant", [], { value_float: { float: 1 } });
    const larger = before.op("Max", [scales, one], {});
    const grown = { ...coordinates, mode: "nearest", nearest_mode: "floor" };
    node.input = [
      before.op("Resize", [x, "", larger], grown),
      "",
      before.op("Min", [scales, one], {}),
    ];
  }
  set(node, { nearest_mode: isGrowing ? "floor" : "ceil" });
};

const reductions = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

const experimental = [
  ..."Affine ATen ConstantFill Crop DynamicSlice GivenTensorFill GRUUnit".split(" "),
  ..."ImageScaler ParametricSoftplus Scale ScaledTanh".split(" "),
];

/** By opset and operator: what it takes to write a node of the opset before. */
export const opsetChanges: Readonly<Record<number, Readonly<Record<string, Change>>>> = {
  9: {
    BatchNormalization: (node) =>
      Number(take(node, "spatial")?.i ?? 1n) === 1
        ? undefined
        : "spatial is 0: it has statistics for every pixel",
    Scan: refused("its first axis was the batch"),
    Upsample: toInputs("scales"),
  },
  10: {
    ...Object.fromEntries(
      experimental.map((name) => [name, refused("it was experimental, and removed")]),
    ),
    Slice: toInputs("starts", "ends", "axes"),
    TopK: toInputs("k"),
    Upsample: renamed("Resize"),
  },
  11: {
    Clip: toInputs("min", "max"),
    Pad: toInputs("pads", "value"),
    Resize: resizeOf10,
    Scatter: renamed("ScatterElements"),
  },
  12: {
    // At inference it has no effect.
    Dropout: (node) => void take(node, "ratio"),
  },
  13: {
    Hardmax: overOneAxis,
    LogSoftmax: overOneAxis,
    ReduceSum: toInputs("axes"),
    Softmax: overOneAxis,
    Split: toInputs("split"),
    Squeeze: toInputs("axes"),
    Unsqueeze: toInputs("axes"),
  },
  14: {
    BatchNormalization: ({ output }) =>
      output.slice(1).some((name) => name !== "")
        ? "it has the outputs of training: export the model for inference"
        : undefined,
  },
  16: {
    RoiAlign: (node) => set(node, { coordinate_transformation_mode: "output_half_pixel" }),
  },
  18: {
    ...Object.fromEntries(reductions.map((name) => [`Reduce${name}`, toInputs("axes")])),
    Split: (node) => {
      if ((node.input[1] ?? "") === "") {
        set(node, { num_outputs: node.output.length });
      }
    },
  },
  20: {
    DFT: refused("its axis became an input"),
    GridSample: (node) => {
      const mode = stringAttribute(node, "mode", "bilinear");
      take(node, "mode");
      set(node, { mode: mode.replace(/^bi/, "") });
    },
  },
  21: { GroupNormalization: refused("its scale and bias were those of groups") },
};
