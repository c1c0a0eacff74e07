import type { Inflate } from "../picture/picture-host.ts";
import { orientRaster } from "../picture/orient-raster.ts";
import type { Picture, Raster } from "../picture/raster.ts";
import { decodePng, type RawPng } from "./decode-png.ts";
import { readPngLayout } from "./png-layout.ts";

/** Options of {@link openPng}. */
export interface OpenPngOptions {
  /** What inflates the pixels, a part of every platform. */
  readonly inflate: Inflate;
  /** Largest number of pixels to decode. @default 64 megapixels */
  readonly maxPixels?: number | undefined;
}

/**
 * Opens a PNG of any kind: 1 to 16 bits, grey, RGB, palette, with alpha or a transparent colour,
 * interlaced or not. The orientation of its eXIf chunk is applied. Everything but its pixels is read and checked at once.
 *
 * @param name the file in messages, such as "'scan.png'" or "the image"
 * @throws AsmaError ERR_IMAGE_UNREADABLE (also by `decode`), ERR_IMAGE_TOO_LARGE
 */
export function openPng(
  bytes: Uint8Array,
  name: string,
  { inflate, maxPixels }: OpenPngOptions,
): Picture {
  const layout = readPngLayout(bytes, name, maxPixels);
  return {
    grey: layout.colour === "grey" || layout.colour === "grey-alpha",
    decode: async () =>
      orientRaster(toRaster(await decodePng(layout, name, inflate)), layout.orientation),
  };
}

/** Applies the palette, scales small depths to 8 bits, and counts transparent pixels. */
function toRaster(png: RawPng): Raster {
  const { height, width, depth, colour } = png;
  const pixels = height * width;
  const channels = colour === "grey" || colour === "grey-alpha" ? 1 : 3;
  const bitDepth = depth === 16 ? 16 : 8;
  const max = 2 ** depth - 1;
  const opaque = bitDepth === 16 ? 65_535 : 255;
  const scale = opaque / max; // 255, 85, 17 or 1: exact.
  const data = new (bitDepth === 16 ? Uint16Array : Uint8Array)(pixels * channels);
  const { palette, transparency } = png;
  const hasAlpha = png.channels === channels + 1;
  const key =
    colour !== "palette" && !hasAlpha && transparency
      ? transparentColour(transparency, channels)
      : undefined;
  let transparentPixels = 0;
  let clear: Uint8Array | undefined;
  const see = (i: number, alpha: number): void => {
    if (alpha === opaque) return;
    transparentPixels++;
    clear ??= new Uint8Array(pixels);
    clear[i] = alpha === 0 ? 1 : 0;
  };
  for (let i = 0; i < pixels; i++) {
    const at = i * png.channels;
    const first = png.data[at] as number;
    if (colour === "palette" && palette) {
      for (let c = 0; c < 3; c++) data[3 * i + c] = palette[3 * first + c] ?? 0;
      see(i, transparency?.[first] ?? 255);
      continue;
    }
    let keyed = key !== undefined;
    for (let c = 0; c < channels; c++) {
      const sample = png.data[at + c] as number;
      data[i * channels + c] = sample * scale;
      if (key?.[c] !== sample) keyed = false;
    }
    if (keyed) see(i, 0);
    else if (hasAlpha) see(i, png.data[at + channels] as number);
  }
  const indices = colour === "palette" ? { data: png.data, max, palette } : undefined;
  const samples =
    colour === "grey" ? { data: png.data, max } : channels === 1 ? { data, max } : undefined;
  const stored = indices ?? samples;
  return { height, width, channels, data, bitDepth, transparentPixels, clear, stored };
}

function transparentColour(transparency: Uint8Array, channels: number): number[] | undefined {
  if (transparency.length < 2 * channels) return undefined;
  return Array.from(
    { length: channels },
    (_, c) => ((transparency[2 * c] as number) << 8) | (transparency[2 * c + 1] as number),
  );
}
