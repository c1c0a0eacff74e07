import { ignored, type LabelMap, refusal } from "@onnx-asma/core";
import { defaultMaxPixels } from "@onnx-asma/core/image-size";
import { checkOptions, optionEntry } from "@onnx-asma/core/check-options";
import { sniffFormat } from "@onnx-asma/core/picture-file";
import { checkOpaque, type Raster } from "@onnx-asma/core/png";
import { classTable, type ClassOptions } from "./class-table.ts";
import { npyValues, rasterValues, type MaskValues } from "./mask-values.ts";
import { openPicture } from "./open-picture.ts";
import { readBytes } from "./read-bytes.ts";

/** Options of {@link readMask}. */
export interface ReadMaskOptions extends ClassOptions {
  /** Spatial axes of the mask: 2, or 3 for volumes, which only `.npy` files hold. Default 2. */
  readonly spatialAxes?: 2 | 3;
  /** Largest number of pixels to decode. Default 64 megapixels. */
  readonly maxPixels?: number;
}

const optionEntries = {
  classes: optionEntry("anything", "the number of the model's classes"),
  classMap: optionEntry("anything", "the class of each value"),
  ignoreLabel: optionEntry("whole number", "the value of pixels that do not count"),
  threshold: optionEntry("anything", "the border between background and foreground"),
  spatialAxes: optionEntry("whole number", "2, or 3 for volumes"),
  maxPixels: optionEntry("anything", "the largest number of pixels"),
} as const satisfies Record<keyof ReadMaskOptions, unknown>;

/**
 * Reads a target mask.
 *
 * The numbers in the file are grey values, raw palette indices, or the integers of an `.npy` array of
 * shape [H, W], [1, H, W], [1, 1, H, W] or [H, W, 1]; TIFF and `.npy` files hold them with up to 32 bits, signed too,
 * or as whole numbers in floating point. Without a class map they are classes when all are below
 * `classes` (or the ignore label). For a model of two classes, 0 and white (255) mean 0 and 1; a mask
 * with more values than that, such as an anti-aliased one, needs a threshold. Where a palette is black and white
 * only, white is class 1 of two, whatever its index. RGB files whose channels
 * are equal count as grey, other RGB files need a class map by colour.
 *
 * @throws AsmaError ERR_MASK_VALUES, ERR_TARGET_CLASS, ERR_IMAGE_LOSSY for JPEG, lossy WebP and TIFFs of them,
 * ERR_IMAGE_ALPHA, ERR_IMAGE_UNREADABLE, ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE, ERR_IMAGE_CHANNELS,
 * ERR_IMAGE_BIT_DEPTH, ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE, ERR_ARRAY_SHAPE (several pages too),
 * ERR_ARRAY_DTYPE, ERR_OPTION.
 */
export async function readMask(path: string, options: ReadMaskOptions = {}): Promise<LabelMap> {
  checkOptions(optionEntries, options, "readMask");
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
  const picture = openPicture(path, bytes, maxPixels);
  const { isLossy = false, pages = 1 } = picture;
  if (isLossy) {
    throw refusal("ERR_IMAGE_LOSSY", {
      expected: "a lossless mask",
      found: `'${path}' is a JPEG or compressed like one, which changes labels`,
      wayOut: "export it as PNG",
      details: { path },
    });
  }
  if (pages > 1) {
    throw refusal("ERR_ARRAY_SHAPE", {
      expected: "a mask of one page",
      found: `'${path}' holds ${pages}`,
      wayOut: "save the page that counts as a file of its own",
      details: { path, pages },
    });
  }
  const raster = await picture.decode();
  const clear = clearPixels(raster, options);
  if (!raster.stored?.palette || format === "gif")
    checkOpaque(`'${path}'`, partlySeen(raster, clear));
  return {
    data: toClasses(path, rasterValues(path, raster), options, clear),
    dims: [raster.height, raster.width],
  };
}

/** Pixels that the class map means by "transparent", and their class. */
interface ClearPixels {
  /** 1 where they are. */
  readonly where: Uint8Array;
  readonly label: number;
}

function clearPixels({ clear }: Raster, { classMap }: ReadMaskOptions): ClearPixels | undefined {
  const label = classMap?.["transparent"];
  return clear && label !== undefined
    ? { where: clear, label: label === "ignore" ? ignored : label }
    : undefined;
}

/** The raster, of whose transparent pixels those that are wholly so are accounted for. */
function partlySeen(raster: Raster, clear: ClearPixels | undefined): Raster {
  if (!clear) return raster;
  const gone = clear.where.reduce((sum, one) => sum + one, 0);
  return { ...raster, transparentPixels: raster.transparentPixels - gone };
}

function toClasses(
  path: string,
  mask: MaskValues,
  options: ReadMaskOptions,
  clear?: ClearPixels,
): Int32Array {
  const { values } = mask;
  const seen = new Set<number>();
  for (let i = 0; i < values.length; i++) {
    if (clear?.where[i] !== 1) seen.add(values[i] as number);
  }
  const found = [...seen].sort((a, b) => a - b);
  const table = classTable(path, mask, found, options);
  const classes = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const label = clear?.where[i] === 1 ? clear.label : table.get(values[i] as number);
    classes[i] = label as number;
  }
  return classes;
}
