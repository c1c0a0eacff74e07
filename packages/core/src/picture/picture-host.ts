/**
 * Inflates the parts of one zlib stream. It gives at most `maxLength` bytes and rejects, without
 * holding many more, when there are more, when the stream is damaged or ends early, or when other
 * bytes follow it.
 */
export type Inflate = (
  parts: readonly Uint8Array[],
  maxLength: number,
) => Uint8Array | Promise<Uint8Array>;

/** Pixels of 8 bits, row by row, channels interleaved. */
export interface DecodedPixels {
  readonly height: number;
  readonly width: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** What a platform decodes for us. */
export interface PictureHost {
  readonly inflate: Inflate;
  /**
   * Decodes a whole JPEG or WebP, the first frame of it, as libjpeg-turbo and libwebp do. The EXIF orientation
   * of a JPEG is applied, that of a WebP is not, nor are colour profiles. Rejects what is damaged or cut off.
   */
  decodePhoto(bytes: Uint8Array, format: "jpeg" | "webp"): Promise<DecodedPixels>;
  /**
   * Decodes the first page of a TIFF of 1 bit that is compressed as faxes are (CCITT), to grey of 0 and 255 as it
   * looks, without its orientation. Absent where nothing does.
   */
  decodeFax?(tiff: Uint8Array): Promise<DecodedPixels>;
}

/** How a file of pixels is opened. */
export interface OpenPictureOptions {
  readonly host: PictureHost;
  /** Largest number of pixels to decode. @default 64 megapixels */
  readonly maxPixels?: number | undefined;
}
