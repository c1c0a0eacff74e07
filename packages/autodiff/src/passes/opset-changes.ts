import type { AttributeProto, NodeProto } from "../model/onnx-messages.ts";
import {
  intAttribute,
  makeAttributes,
  stringAttribute,
  type Attributes,
} from "../graph/attribute.ts";

/** What a {@link Change} may put before the node that it rewrites; names of outputs come back. */
export interface NodesBefore {
  op(opType: string, inputs: readonly string[], attributes?: Attributes): string;
  /** The numbers of an attribute, int64 or float32; one integer becomes a list of it. */
  constant(attribute: AttributeProto): string;
}

/** Rewrites a node in place for the opset that changed its operator; says why, where it cannot. */
export type Change = (node: NodeProto, before: NodesBefore) => string | false | void;

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
      node.input.push(attribute === undefined ? "" : before.constant(attribute));
    }
    while (node.input.at(-1) === "") {
      node.input.pop();
    }
  };

const refused = (reason: string) => () => reason;

/** All axes from `axis` on were one. */
const overOneAxis: Change = (node, before) => {
  const axis = intAttribute(node, "axis", 1);
  if (axis !== -1) {
    const [x = ""] = node.input;
    const flat = before.op("Flatten", [x], { axis });
    node.input = [before.op(node.opType, [flat]), before.op("Shape", [x])];
    node.attribute = [];
    node.opType = "Reshape";
  }
};

const asymmetric = { coordinate_transformation_mode: "asymmetric" };

/**
 * Coordinates were asymmetric. The nearest neighbour lay above where an axis shrinks, else below: axes that
 * grow go first.
 */
const resizeOf10: Change = (node, before) => {
  const [x = "", scales = ""] = node.input;
  const down = { ...asymmetric, nearest_mode: "floor" };
  node.input = [x, "", scales];
  if (node.opType === "Upsample") {
    // It never shrinks.
    node.opType = "Resize";
    set(node, down);
    return;
  }
  if (stringAttribute(node, "mode", "nearest") === "nearest") {
    const one = before.op("Constant", [], { value_float: { float: 1 } });
    const grown = before.op("Resize", [x, "", before.op("Max", [scales, one])], down);
    node.input = [grown, "", before.op("Min", [scales, one])];
  }
  set(node, { ...asymmetric, nearest_mode: "ceil" });
};

/**
 * In order: from which opset on which operators are written otherwise, and how one of before is. All else that
 * opsets brought are element types, and inputs, outputs and attributes whose default is what was before.
 *
 * Bounds and fillings become float32: of other floats, only float64 had them as attributes beside float16, which
 * both become float32 where the runtime refuses them.
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
export const opsetChanges: readonly (readonly [opset: number, operator: RegExp, change: Change])[] =
  [
    [
      9,
      /^BatchNormalization$/,
      (node) => take(node, "spatial")?.i === 0n && "spatial is 0, statistics are those of pixels",
    ],
    [9, /^Scan$/, refused("its first axis is the batch")],
    [9, /^Upsample$/, toInputs("scales")],
    [
      10,
      /^(Affine|Crop|DynamicSlice|ImageScaler|ParametricSoftplus|ScaledTanh)$/,
      refused("it was experimental"),
    ],
    [10, /^Slice$/, toInputs("starts", "ends", "axes")],
    [10, /^TopK$/, toInputs("k")],
    [11, /^Clip$/, toInputs("min", "max")],
    [11, /^Pad$/, toInputs("pads", "value")],
    [11, /^(Resize|Upsample)$/, resizeOf10],
    [11, /^Scatter$/, (node) => void (node.opType = "ScatterElements")],
    // At inference it has no effect.
    [12, /^Dropout$/, (node) => void take(node, "ratio")],
    [13, /^(Soft|LogSoft|Hard)max$/, overOneAxis],
    [13, /^(ReduceSum|Squeeze|Unsqueeze)$/, toInputs("axes")],
    [13, /^Split$/, toInputs("split")],
    [
      14,
      /^BatchNormalization$/,
      ({ output }) => output.slice(1).join("") !== "" && "it has the outputs of training",
    ],
    [
      16,
      /^RoiAlign$/,
      (node) => set(node, { coordinate_transformation_mode: "output_half_pixel" }),
    ],
    [18, /^Reduce(?!Sum$)/, toInputs("axes")],
    [
      18,
      /^Split$/,
      ({ input, output, attribute }) => {
        if ((input[1] ?? "") === "") {
          attribute.push(...makeAttributes({ num_outputs: output.length }));
        }
      },
    ],
    [20, /^(DFT|GridSample)$/, refused("its attributes changed")],
    [21, /^GroupNormalization$/, refused("it has a scale for each group")],
  ];
