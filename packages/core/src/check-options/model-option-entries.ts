import * as v from "valibot";
import { normalisations } from "../normalisations.ts";
import { layouts } from "../model/layout.ts";
import { outputKinds, type ModelOptions } from "../model/model-options.ts";

const described = <Schema extends v.GenericSchema>(schema: Schema, text: string) =>
  v.optional(v.pipe(schema as v.GenericSchema, v.description(text)));

const name = v.string();
const whole = v.pipe(v.number(), v.integer());
const number = v.pipe(v.number(), v.finite());
/** Lists as JavaScript has them, typed arrays too. */
const areNumbers = (value: unknown): boolean =>
  (Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value)) &&
  Array.from(value as ArrayLike<unknown>).every((n) => typeof n === "number" && Number.isFinite(n));
const numbers = v.custom<ArrayLike<number>>(areNumbers, "a list of numbers");
const names = Object.keys(normalisations);
const numbersOrName = v.custom<ArrayLike<number> | string>(
  (value) => areNumbers(value) || names.includes(value as string),
);
const object = v.custom<object>((value) => typeof value === "object" && value !== null);
const records = (value: v.GenericSchema) => v.record(v.string(), value);

/** Options of a model, as far as their kind goes; what they mean for it is checked with the model. */
export const modelOptionEntries = {
  input: described(name, "the name of the image input"),
  output: described(name, "the name of the output that segments"),
  queryClasses: described(name, "the name of the output with the classes of queries"),
  voidClass: described(v.union([whole, v.literal("none")]), "an index, or 'none'"),
  feeds: described(records(v.union([number, object])), "a number, or { dims, data }, by input"),
  dims: described(records(numbers), "a list of dims by input"),
  layout: described(v.picklist(layouts), `one of ${layouts.join(", ")}`),
  outputLayout: described(v.picklist(layouts), `one of ${layouts.join(", ")}`),
  preprocessor: described(object, "what parsePreprocessor gave"),
  channelOrder: described(v.picklist(["rgb", "bgr"]), "'rgb' or 'bgr'"),
  range: described(numbers, "[black, white]"),
  mean: described(
    numbersOrName,
    `a list of numbers, one for each channel or one, or one of ${names.join(", ")}`,
  ),
  std: described(numbers, "a list of numbers, one for each channel or one"),
  padding: described(
    v.strictObject({
      pixels: v.union([number, numbers]),
      mode: v.optional(v.picklist(["edge", "reflect", "constant", "zero"])),
    }),
    "{ pixels, mode }",
  ),
  resize: described(numbers, "[height, width], of volumes [depth, height, width]"),
  classes: described(v.array(name), "a list of names"),
  classList: described(object, "{ names, source }"),
  class: described(v.union([whole, name]), "an index or a name"),
  outputKind: described(v.picklist(outputKinds), `one of ${outputKinds.join(", ")}`),
  border: described(number, "a number"),
  grid: described(v.picklist(["output", "image"]), "'output' or 'image'"),
  precision: described(v.picklist(["float32", "model"]), "'float32' or 'model'"),
  trainingGraph: described(v.any(), "a training graph"),
  sessionOptions: described(object, "an object of ONNX Runtime's session options"),
} as const satisfies Record<keyof ModelOptions, v.GenericSchema>;
