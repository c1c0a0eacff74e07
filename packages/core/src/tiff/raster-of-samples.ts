import { refusal } from "../errors.ts";
import type { Raster, StoredSamples } from "../picture/raster.ts";
import { coloursOf, photometrics, tiffDepthError } from "./check-tiff.ts";
import type { TiffLayout } from "./tiff-layout.ts";

/** Samples as they are decoded, row by row, interleaved. */
export type TiffSamples =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/**
 * The raster of a TIFF's samples: palettes applied, white-is-zero turned over, small depths scaled to 8 bits,
 * alpha counted.
 *
 * @param name the file in messages
 * @throws AsmaError ERR_IMAGE_BIT_DEPTH for RGB of a depth that is not read, ERR_IMAGE_UNREADABLE for a palette
 *   that is too short, ERR_IMAGE_COLOUR_SPACE where white is zero of other than unsigned samples
 */
export function rasterOfSamples(samples: TiffSamples, layout: TiffLayout, name: string): Raster {
  const { height, width, bits, format, photometric } = layout;
  const shape = { height, width, transparentPixels: transparentPixels(samples, layout) };
  if (photometric === photometrics.palette) {
    return { ...shape, ...indexed(samples as Uint8Array, layout) };
  }
  const colours = coloursOf(layout);
  const picked = turned(withoutAlpha(samples, layout), layout, name);
  if (format === "float") {
    const data = picked instanceof Float32Array ? picked : Float32Array.from(picked);
    const stored = colours === 1 ? wholeNumbers(data) : undefined;
    return { ...shape, channels: colours, bitDepth: 32, data, stored };
  }
  const max = 2 ** (format === "signed" ? bits - 1 : bits) - 1;
  const stored = picked as StoredSamples["data"];
  if (format === "signed" || bits === 12 || bits === 32) {
    const labelsOnly = tiffDepthError(name, `${bits} bits (${format})`);
    if (colours === 3) throw labelsOnly;
    const empty = new Uint8Array(0);
    return {
      ...shape,
      channels: 1,
      bitDepth: 8,
      data: empty,
      stored: { data: stored, max },
      labelsOnly,
    };
  }
  const data = stored as Uint8Array | Uint16Array;
  return {
    ...shape,
    channels: colours,
    bitDepth: bits === 16 ? 16 : 8,
    data: bits < 8 ? data.map((sample) => sample * (255 / max)) : data,
    stored: colours === 1 ? { data, max } : undefined,
  };
}

function hasAlpha(layout: TiffLayout): boolean {
  return layout.samples > coloursOf(layout);
}

function transparentPixels(samples: TiffSamples, layout: TiffLayout): number {
  if (!hasAlpha(layout)) return 0;
  const { bits, format, samples: stride } = layout;
  const opaque = format === "float" ? 1 : 2 ** (format === "signed" ? bits - 1 : bits) - 1;
  let count = 0;
  for (let at = stride - 1; at < samples.length; at += stride) {
    if (samples[at] !== opaque) count += 1;
  }
  return count;
}

function withoutAlpha(samples: TiffSamples, layout: TiffLayout): TiffSamples {
  if (!hasAlpha(layout)) return samples;
  const stride = layout.samples;
  return samples.filter((_, at) => at % stride !== stride - 1);
}

/** White-is-zero as black-is-zero. */
function turned(samples: TiffSamples, layout: TiffLayout, name: string): TiffSamples {
  const { photometric, bits, format } = layout;
  if (photometric !== photometrics.whiteIsZero) return samples;
  if (format !== "unsigned" || bits > 16) {
    throw refusal("ERR_IMAGE_COLOUR_SPACE", {
      expected: "samples in which black is zero",
      found: `${name} is a TIFF of ${bits} bits (${format}) in which white is zero`,
      wayOut: "save it with black as zero",
      details: { name },
    });
  }
  const max = 2 ** bits - 1;
  return samples.map((sample) => max - sample);
}

function indexed(
  indices: Uint8Array,
  { bits, palette = [] }: TiffLayout,
): Pick<Raster, "channels" | "bitDepth" | "data" | "stored"> {
  const entries = 2 ** bits;
  if (palette.length < 3 * entries) throw new RangeError("its palette is cut off");
  const colours = new Uint8Array(3 * entries);
  let isWide = false;
  for (let k = 0; k < entries; k++) {
    for (let c = 0; c < 3; c++) {
      const value = palette[c * entries + k] as number;
      isWide ||= value > 255;
      colours[3 * k + c] = value >> 8;
    }
  }
  if (!isWide && Array.from(palette).some((value) => value > 0)) {
    throw new RangeError("the colours of its palette have 8 bits and not 16");
  }
  const data = new Uint8Array(3 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    for (let c = 0; c < 3; c++) data[3 * i + c] = colours[3 * (indices[i] as number) + c] as number;
  }
  const stored = { data: indices, max: entries - 1, palette: colours };
  return { channels: 3, bitDepth: 8, data, stored };
}

/** Floating-point labels, as ImageJ saves those of 32 bits; undefined where one is no whole number. */
function wholeNumbers(data: Float32Array): StoredSamples | undefined {
  const isLabel = (value: number): boolean => Number.isInteger(value) && Math.abs(value) <= 2 ** 24;
  if (!data.every(isLabel)) return undefined;
  const max = data.some((value) => value > 255) ? 2 ** 24 : 255;
  return { data: Int32Array.from(data), max };
}
