import type { Raster, StoredSamples } from "./raster.ts";

/**
 * Turns pixels upright that are stored as an orientation says: the EXIF value 1 to 8, where 1 is upright,
 * 3 upside down, 6 and 8 lie on a side, and the others are mirrored. Other values count as 1, as in libjpeg's
 * and libtiff's viewers.
 */
export function orientRaster(raster: Raster, orientation: number): Raster {
  if (!(orientation >= 2 && orientation <= 8)) {
    return raster;
  }
  const { height, width, channels, data, stored, clear } = raster;
  const isTurned = orientation >= 5;
  const [h, w] = isTurned ? [width, height] : [height, width];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const source = new Uint32Array(h * w);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [row, column] = isTurned ? [x, y] : [y, x];
      source[y * w + x] =
        (fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column);
    }
  }
  return {
    ...raster,
    height: h,
    width: w,
    data: picked(data, source, channels),
    clear: clear && picked(clear, source, 1),
    stored: stored && { ...stored, data: picked(stored.data, source, 1) },
  };
}

/** The pixels in the order of `source`. */
function picked<Samples extends Raster["data"] | StoredSamples["data"]>(
  data: Samples,
  source: Uint32Array,
  channels: number,
): Samples {
  if (data.length === 0) {
    return data;
  }
  const result = data.slice() as Samples;
  for (let i = 0; i < source.length; i++) {
    for (let c = 0; c < channels; c++) {
      result[i * channels + c] = data[(source[i] as number) * channels + c] as number;
    }
  }
  return result;
}
