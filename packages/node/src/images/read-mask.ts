import { AsmaError, type LabelMap, refusal, type Size } from "@onnx-asma/core";
import { checkImageSize, defaultMaxPixels } from "@onnx-asma/core/image-size";
import { parseNpy } from "@onnx-asma/core/npy";
import { checkOpaque, type Raster } from "@onnx-asma/core/png";
import { sniffFormat } from "./image-header.ts";
import { openPicture } from "./open-picture.ts";
import { readBytes } from "./read-bytes.ts";

/** Options of {@link readMask}. */
export interface ReadMaskOptions {
  /** Classes of the model, at least 2. */
  readonly classes: number;
  /**
   * Class of each value in the file. Keys are grey values or palette indices ("0", "255") or colours
   * ("#ff0000", lower or upper case); a value without an entry is an error.
   */
  readonly classMap?: Readonly<Record<string, number>>;
  /** A value that is kept as it is: pixels that do not count. */
  readonly ignoreLabel?: number;
  /** Values above it are class 1, the others class 0, in the file's units (0..255 for 8 bits). */
  readonly threshold?: number;
  /** Spatial axes of the mask: 2, or 3 for volumes, which only `.npy` files hold. Default 2. */
  readonly spatialAxes?: 2 | 3;
  /** Largest number of pixels to decode. Default 64 megapixels. */
  readonly maxPixels?: number;
}

/** Integers per pixel, and what they are. */
interface MaskValues {
  readonly kind: "grey value" | "palette index" | "colour" | "value";
  readonly values: ArrayLike<number>;
  /** Largest value that the file could store (white). */
  readonly max: number;
  readonly palette?: Uint8Array;
}

/**
 * Reads a target mask.
 *
 * The numbers in the file are grey values, raw palette indices, or the integers of an `.npy` array of
 * shape [H, W], [1, H, W] or [1, 1, H, W]. Without a class map they are classes when all are below
 * `classes` (or the ignore label). For a model of two classes, 0 and white (255) mean 0 and 1; a mask
 * with more values than that, such as an anti-aliased one, needs a threshold. RGB files whose channels
 * are equal count as grey, other RGB files need a class map by colour.
 *
 * @throws AsmaError ERR_MASK_VALUES, ERR_TARGET_CLASS, ERR_IMAGE_LOSSY for JPEG, ERR_IMAGE_ALPHA,
 * ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, ERR_ARRAY_SHAPE,
 * ERR_ARRAY_DTYPE.
 */
export async function readMask(path: string, options: ReadMaskOptions): Promise<LabelMap> {
  const { maxPixels = defaultMaxPixels } = options;
  const bytes = await readBytes(path);
  const format = sniffFormat(bytes);
  if (format === "npy") {
    const { values, dims } = npyValues(path, bytes, maxPixels, options.spatialAxes ?? 2);
    return { data: toClasses(path, values, options), dims };
  }
  if (options.spatialAxes === 3) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: "a mask of a volume",
      found: `'${path}' is a picture`,
      wayOut: "bring it as .npy of shape [D, H, W]",
      details: { path },
    });
  }
  if (format === "jpeg") {
    throw refusal("ERR_IMAGE_LOSSY", {
      expected: "a lossless mask",
      found: `'${path}' is a JPEG, which changes labels`,
      wayOut: "export it as PNG",
      details: { path },
    });
  }
  const raster = await openPicture(path, bytes, maxPixels).decode();
  if (!raster.stored?.palette || format === "gif") checkOpaque(`'${path}'`, raster);
  return {
    data: toClasses(path, rasterValues(raster), options),
    dims: [raster.height, raster.width],
  };
}

function rasterValues(raster: Raster): MaskValues {
  const { stored, data } = raster;
  if (stored) {
    const kind = stored.palette ? "palette index" : "grey value";
    return { kind, values: stored.data, max: stored.max, palette: stored.palette };
  }
  const shift = raster.bitDepth - 8;
  const colours = new Int32Array(data.length / 3);
  let grey = true;
  for (let i = 0; i < colours.length; i++) {
    const [r, g, b] = [data[3 * i] as number, data[3 * i + 1] as number, data[3 * i + 2] as number];
    colours[i] = ((r >> shift) << 16) | ((g >> shift) << 8) | (b >> shift);
    if (r !== g || r !== b) grey = false;
  }
  if (!grey) return { kind: "colour", values: colours, max: 0xff_ff_ff };
  return {
    kind: "grey value",
    values: data.filter((_, k) => k % 3 === 0),
    max: 2 ** raster.bitDepth - 1,
  };
}

function npyValues(
  path: string,
  bytes: Buffer,
  maxPixels: number,
  spatialAxes: 2 | 3,
): { values: MaskValues; dims: Size } {
  const { data, dims } = parseNpy(bytes, path);
  const lead = dims.slice(0, -spatialAxes);
  const size = dims.slice(-spatialAxes) as unknown as Size;
  if (dims.length < spatialAxes || lead.length > 2 || lead.some((dim) => dim !== 1)) {
    const axes = spatialAxes === 2 ? "H, W" : "D, H, W";
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: `a mask of shape [${axes}] or [1, ${axes}]`,
      found: `'${path}' has shape [${dims.join(", ")}]`,
      wayOut: "take the argmax over classes first",
      details: { path, dims },
    });
  }
  checkImageSize(`'${path}'`, size, maxPixels);
  if (data instanceof Float32Array || data instanceof Float64Array) {
    throw refusal("ERR_ARRAY_DTYPE", {
      expected: "integer labels",
      found: `'${path}' holds floating-point values`,
      wayOut: "convert it with array.astype('uint8')",
      details: { path },
    });
  }
  return { values: { kind: "value", values: data, max: 255 }, dims: size };
}

function toClasses(path: string, mask: MaskValues, options: ReadMaskOptions): Int32Array {
  const { values } = mask;
  const seen = new Set<number>();
  for (let i = 0; i < values.length; i++) seen.add(values[i] as number);
  const found = [...seen].sort((a, b) => a - b);
  const table = classTable(path, mask, found, options);
  const classes = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) classes[i] = table.get(values[i] as number) as number;
  return classes;
}

/** Class of every value that occurs. */
function classTable(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  options: ReadMaskOptions,
): Map<number, number> {
  const { classes, classMap, ignoreLabel, threshold } = options;
  const valid = (label: number): boolean =>
    label === ignoreLabel || (Number.isInteger(label) && label >= 0 && label < classes);
  const tableOf = (f: (value: number) => number): Map<number, number> =>
    new Map(found.map((value) => [value, value === ignoreLabel ? value : f(value)]));

  if (classMap) return mappedTable(path, mask, found, options, valid);
  if (mask.kind === "colour") {
    const wayOut = "say which colour is which class, as in --class-map '#ff0000=1'";
    throw valuesError(path, mask, found, "grey values or palette indices", wayOut);
  }
  if (found.every(valid)) return tableOf((value) => value);
  if (mask.kind !== "palette index") {
    if (threshold !== undefined) return tableOf((value) => (value > threshold ? 1 : 0));
    const blackAndWhite = found.every(
      (value) => value === 0 || value === mask.max || value === ignoreLabel,
    );
    if (classes === 2 && blackAndWhite) return tableOf((value) => (value === 0 ? 0 : 1));
    if (classes === 2) {
      const wayOut =
        "set a border between background and foreground, as in --mask-threshold 20, or use --class-map";
      throw valuesError(path, mask, found, `the labels 0 and 1, or 0 and ${mask.max}`, wayOut);
    }
  }
  const label = found.find((value) => !valid(value)) as number;
  throw targetClassError(path, label, classes, "use --class-map to say which value is which class");
}

function mappedTable(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  { classes, classMap = {}, ignoreLabel }: ReadMaskOptions,
  valid: (label: number) => boolean,
): Map<number, number> {
  const entries = Object.entries(classMap).map(
    ([key, label]) => [key.trim().toLowerCase(), label] as const,
  );
  for (const [, label] of entries) {
    if (!valid(label)) throw targetClassError(path, label, classes, "correct the class map");
  }
  const map = new Map(entries);
  const table = new Map<number, number>();
  for (const value of found) {
    const keys = mask.kind === "colour" ? [colourKey(value)] : [String(value)];
    if (mask.kind === "grey value" && mask.max === 255) keys.push(colourKey(value * 0x01_01_01));
    if (mask.palette) keys.push(colourKey(Buffer.from(mask.palette).readUIntBE(3 * value, 3)));
    const label = keys.map((key) => map.get(key)).find((entry) => entry !== undefined);
    if (label !== undefined) table.set(value, label);
    else if (value === ignoreLabel && mask.kind !== "colour") table.set(value, value);
    else {
      const missing = `an entry of the class map for each ${mask.kind} (there is none for ${keys.join(" or ")})`;
      throw valuesError(path, mask, found, missing, "add it to --class-map");
    }
  }
  return table;
}

const colourKey = (rgb: number): string => `#${rgb.toString(16).padStart(6, "0")}`;

function valuesError(
  path: string,
  mask: MaskValues,
  found: readonly number[],
  expected: string,
  wayOut: string,
): AsmaError {
  const name = (value: number): string =>
    mask.kind === "colour" ? colourKey(value) : String(value);
  const shown = found.slice(0, 8).map(name).join(", ");
  const list =
    found.length > 8
      ? `${shown}, … ${name(found.at(-1) as number)} (${found.length} values)`
      : shown;
  return refusal("ERR_MASK_VALUES", {
    expected: `${expected} in the mask`,
    found: `'${path}' holds the ${mask.kind}s ${list}`,
    wayOut,
    details: { path, kind: mask.kind, values: found.slice(0, 256).map(name) },
  });
}

function targetClassError(path: string, label: number, classes: number, wayOut: string): AsmaError {
  return refusal("ERR_TARGET_CLASS", {
    expected: `classes 0 to ${classes - 1} (the model has ${classes})`,
    found: `'${path}' asks for class ${label}`,
    wayOut: `${wayOut}, or name an ignore label with --ignore-label`,
    details: { path, class: label, classes },
  });
}
