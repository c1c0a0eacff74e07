import type { Command } from "commander";
import {
  fitTarget,
  ignored,
  type ImageTensor,
  type LabelMap,
  type ModelDescription,
  refusal,
  sameSize,
  sizeOf,
} from "@onnx-asma/core";
import { disc, findClass, hideClass, moveForeground, rectangle } from "@onnx-asma/core/targets";
import { readMask } from "../images/read-mask.ts";
import type { LoadedModel } from "../loaded-model.ts";
import type { FlagEffect } from "./flag-effects.ts";
import { note, notePages } from "./output.ts";
import {
  classMap,
  classNumberOrName,
  hiddenClass,
  integer,
  number,
  numbers,
  numbersOf,
  positive,
} from "./parsers.ts";

/** Flags that say which mask the model shall draw. Exactly one way has to be chosen. */
export interface TargetFlags {
  readonly target?: string;
  readonly targetImage?: string;
  readonly hide?: number | string;
  readonly shift?: [number, number];
  readonly rotate?: number;
  readonly scale?: number;
  readonly disc?: number[];
  readonly rectangle?: number[];
  readonly targetClass?: number | string;
  readonly maskThreshold?: number;
  /** Classes by number or name; "ignore" for pixels that do not count. */
  readonly classMap?: Record<string, number | string>;
  readonly ignoreLabel?: number;
}

/** Adds the flags of {@link TargetFlags} to a command. */
export function addTargetFlags(command: Command): Command {
  return command
    .optionsGroup("What the model shall draw, exactly one of:")
    .option(
      "--target <mask>",
      "label map (PNG, TIFF, BMP, … grey or palette, or .npy) of the output grid's or the image's size",
    )
    .option("--target-image <image>", "another image: its prediction is the target")
    .option(
      "--hide <class>",
      "the prediction without this class (a name, or a number from 1 on)",
      hiddenClass,
    )
    .option(
      "--shift <down,right>",
      "the prediction's foreground shifted by pixels of the output grid",
      numbers(2),
    )
    .option("--rotate <degrees>", "the prediction's foreground rotated counterclockwise", number)
    .option("--scale <factor>", "the prediction's foreground scaled", positive)
    .option(
      "--disc <y,x,radius>",
      "a disc, in pixels of the image (in a volume a ball: z,y,x,radius)",
      numbersOf(3, 4),
    )
    .option(
      "--rectangle <top,left,height,width>",
      "a rectangle, in pixels of the image (in a volume a box: front,top,left,depth,height,width)",
      numbersOf(4, 6),
    )
    .optionsGroup("How that is read:")
    .option(
      "--target-class <class>",
      "class of --disc and --rectangle, a name or a number (default: 1)",
      classNumberOrName,
    )
    .option(
      "--mask-threshold <value>",
      "grey values above it are class 1, all others class 0",
      number,
    )
    .option(
      "--class-map <map>",
      "classes (numbers or names) of grey values, palette indices or colours, e.g. 255=1 or #ff0000=circle; transparent=0; *=ignore: no other pixels count",
      classMap,
    )
    .option("--ignore-label <value>", "value in the mask whose pixels do not count", integer);
}

/** When these flags have an effect. */
export const targetFlagEffects: readonly FlagEffect[] = [
  { flag: "targetClass", needs: ["disc", "rectangle"] },
  { flag: "maskThreshold", needs: ["target"], overruledBy: ["classMap"] },
  { flag: "classMap", needs: ["target"] },
  { flag: "ignoreLabel", needs: ["target"] },
];

/** The flags that say what the target is, as they were given, for records. */
export function targetRequestOf(flags: TargetFlags): Readonly<Record<string, unknown>> {
  const { hide, shift, rotate, scale, disc: ball, rectangle: box, targetClass } = flags;
  const { maskThreshold, classMap: map, ignoreLabel } = flags;
  return {
    hide,
    shift,
    rotate,
    scale,
    disc: ball,
    rectangle: box,
    targetClass,
    maskThreshold,
    classMap: map,
    ignoreLabel,
  };
}

/**
 * Checks what can be known about the target before any file is read.
 *
 * @throws AsmaError `ERR_USAGE` unless exactly one kind of target is asked for, or for a shape
 *   without extent
 */
export function checkTargetFlags(flags: TargetFlags): void {
  const hasMove =
    flags.shift !== undefined || flags.rotate !== undefined || flags.scale !== undefined;
  const ways = [
    flags.target,
    flags.targetImage,
    flags.hide,
    flags.disc,
    flags.rectangle,
    hasMove || undefined,
  ];
  const given = ways.filter((way) => way !== undefined).length;
  if (given !== 1) {
    throw refusal("ERR_USAGE", {
      expected:
        "exactly one target (--target, --target-image, --hide, --disc, --rectangle, or a move of the prediction: --shift, --rotate, --scale)",
      found: given === 0 ? "found none" : `found ${given}`,
      wayOut:
        given === 0
          ? "say what the model shall draw, as in --hide 1 or --target mask.png"
          : "leave all but one out",
    });
  }
  if (flags.disc !== undefined && !((flags.disc.at(-1) as number) > 0)) {
    throw refusal("ERR_USAGE", {
      expected: "a radius greater than 0 in --disc y,x,radius",
      found: `found ${flags.disc.join(",")}`,
      wayOut: "make the last number larger",
    });
  }
  if (flags.rectangle?.slice(flags.rectangle.length / 2).some((n) => !(n > 0)) === true) {
    throw refusal("ERR_USAGE", {
      expected: "extents greater than 0 in --rectangle top,left,height,width",
      found: `found ${flags.rectangle.join(",")}`,
      wayOut: "give height and width as the last two numbers",
    });
  }
}

/** The image that a target is made for. */
export interface TargetScene {
  readonly image: ImageTensor;
  /** What the model means for images of that size. */
  readonly description: ModelDescription;
  /** What it predicts for the untouched image. */
  readonly prediction: LabelMap;
}

/**
 * The target that the flags ask for, on the model's output grid.
 *
 * @throws AsmaError `ERR_TARGET_CLASS`, `ERR_TARGET_SIZE`, `ERR_TARGET_EMPTY` for a shape outside the
 *   output grid, and whatever reading a mask or an image throws
 */
export async function makeTarget(
  flags: TargetFlags,
  model: LoadedModel,
  { image, description, prediction }: TargetScene,
): Promise<LabelMap> {
  const { classes } = description.head;
  const size = sizeOf(image);
  const spatialAxes = size.length === 3 ? 3 : 2;
  if (flags.target !== undefined) {
    const { ignoreLabel, maskThreshold: threshold } = flags;
    const mask = await readMask(flags.target, {
      classes,
      classMap: numbersIn(flags.classMap, description.classNames),
      ignoreLabel,
      threshold,
      spatialAxes,
    });
    const data = mask.data.map((label) => (label === ignoreLabel ? ignored : label));
    noteUnused(flags.target, data, flags);
    return fitTarget({ data, dims: mask.dims }, description, `'${flags.target}'`);
  }
  if (flags.targetImage !== undefined) {
    const other = await model.readImage(flags.targetImage);
    notePages(flags.targetImage, other);
    if (!sameSize(sizeOf(other), size)) {
      throw refusal("ERR_TARGET_SIZE", {
        expected: `a target image of ${size.join("×")} pixels, like the image,`,
        found: `'${flags.targetImage}' has ${sizeOf(other).join("×")}`,
        wayOut: "crop or resize it",
      });
    }
    return await model.predict(other);
  }
  if (flags.hide !== undefined) {
    const hidden = findClass(flags.hide, description.classNames, "--hide");
    if (hidden === 0) {
      throw refusal("ERR_TARGET_CLASS", {
        expected: "a class from 1 on in --hide",
        found: `'${flags.hide}' is class 0, which takes the place of the one that is hidden`,
        wayOut: "hide another one",
      });
    }
    return hideClass(prediction, hidden);
  }
  const { targetClass = 1 } = flags;
  if (flags.disc !== undefined) {
    const [radius, ...centre] = flags.disc.toReversed() as [number, ...number[]];
    const label = findClass(targetClass, description.classNames, "--target-class");
    return onGrid("--disc", disc(size, centre.toReversed(), radius, label), label, description);
  }
  if (flags.rectangle !== undefined) {
    const label = findClass(targetClass, description.classNames, "--target-class");
    return onGrid("--rectangle", rectangle(size, flags.rectangle, label), label, description);
  }
  const { shift, rotate, scale } = flags;
  return moveForeground(prediction, { shift, rotate, scale });
}

/** A class map with numbers in the place of names. */
function numbersIn(
  map: TargetFlags["classMap"],
  classNames: readonly string[],
): Record<string, number | "ignore"> | undefined {
  return (
    map &&
    Object.fromEntries(
      Object.entries(map).map(([value, label]) => [
        value,
        label === "ignore"
          ? label
          : typeof label === "number"
            ? label
            : findClass(label, classNames),
      ]),
    )
  );
}

/** Says so where a threshold is on one side of all pixels, or none has the ignore label. */
function noteUnused(
  path: string,
  data: Int32Array,
  { maskThreshold, ignoreLabel }: TargetFlags,
): void {
  const has = (label: number) => data.includes(label);
  if (maskThreshold !== undefined && !(has(0) && has(1))) {
    const which = has(1) ? "All pixels" : "No pixels";
    note(`${which} of '${path}' that count are above --mask-threshold ${maskThreshold}.`);
  }
  if (ignoreLabel !== undefined && !has(ignored)) {
    note(`No pixel of '${path}' has the value of --ignore-label, ${ignoreLabel}.`);
  }
}

const rounded = (n: number) => Number(n.toFixed(1));

function onGrid(
  flag: string,
  shape: LabelMap,
  label: number,
  description: ModelDescription,
): LabelMap {
  const target = fitTarget(shape, description);
  if (!target.data.includes(label)) {
    const { top, left, height, width, front, depth } = description.grid.placement;
    const sides = [
      ...(front === undefined || depth === undefined ? [] : [["slices", front, depth] as const]),
      ["rows", top, height] as const,
      ["columns", left, width] as const,
    ].map(([axis, from, length]) => `${axis} ${rounded(from)} to ${rounded(from + length)}`);
    throw refusal("ERR_TARGET_EMPTY", {
      expected: `the shape of ${flag} to lie on the model's output grid, ${sides.join(", ")} of the image (${description.preprocessing.imageSize.join("×")}),`,
      found: "it covers no pixel of it",
      wayOut: "move it there",
    });
  }
  return target;
}
