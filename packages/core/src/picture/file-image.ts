import type { ImageTensor } from "../image.ts";

/** What made pixels of a file. */
export interface Decoder {
  /** "onnx-asma" with the libraries of that version, "sharp", or "browser". */
  readonly name: string;
  /** Its version; of a browser what it says of itself. */
  readonly version: string;
}

/** An image read from a file: float32 [1, C, H, W] or [1, C, D, H, W] in [0, 1], and what the file could hold. */
export interface FileImage extends ImageTensor {
  /** Bits per channel in the file: 8 or 16, and 32 for floating point. */
  readonly bitDepth: 8 | 16 | 32;
  /**
   * What the file was: "png", "jpeg", "webp", "tiff", "bmp", "gif", "pnm" (PGM, PPM, PBM) or "npy"; "pixels" for
   * those of a canvas.
   */
  readonly format: string;
  readonly decoder: Decoder;
  /** Pages of the file, where it has several; the image is the first one. */
  readonly pages?: number;
  /** Number of values a channel can take in the file: 256 or 65536, Infinity for floating point. */
  readonly levels: number;
}
