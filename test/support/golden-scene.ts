import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodePng } from "./png.ts";

/** Path of a file in `test/golden`. */
export function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
}

/** The golden U-Net of two classes: any size, 3×92×92 → 52×52 for the golden image. */
export const unet = golden("unet-legacy.onnx");

/** The same weights at the fixed size 3×92×92, in an external data file. */
export const unetDynamo = golden("unet-dynamo.onnx");

/** Three classes, 3×76×76 → 36×36. */
export const unet3 = golden("unet3.onnx");

/** Float32 or uint8 values of a C-ordered `.npy` file, read without the packages under test. */
export function readNpyValues(path: string): Float32Array | Uint8Array {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const isFloat = bytes.toString("latin1", 10, start).includes("<f4");
  const body = bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length);
  return isFloat ? new Float32Array(body) : new Uint8Array(body);
}

/** Interleaved 8-bit values of planes in [0, 1]. */
export function toPixels(planes: ArrayLike<number>, channels: number): Uint8Array {
  const count = planes.length / channels;
  return Uint8Array.from({ length: planes.length }, (_, i) =>
    Math.round((planes[(i % channels) * count + Math.floor(i / channels)] as number) * 255),
  );
}

/** Values in [0, 1] as planes of interleaved 8-bit pixels. */
export function toPlanes(pixels: ArrayLike<number>, channels: number): Float32Array {
  const count = pixels.length / channels;
  return Float32Array.from(
    { length: pixels.length },
    (_, i) => (pixels[(i % count) * channels + Math.floor(i / count)] as number) / 255,
  );
}

/** Writes a golden image (`two` or `three`) as PNG into a folder. */
export function writeImage(folder: string, scene: "two" | "three" = "two"): string {
  const data = toPixels(readNpyValues(golden(`trajectories/${scene}.image.npy`)), 3);
  const side = Math.sqrt(data.length / 3);
  return writePng(folder, "image.png", side, 3, data);
}

/** The labels of a golden target. */
export function goldenTarget(name: "two.moved" | "three.moved" | "three.absent"): Uint8Array {
  return readNpyValues(golden(`trajectories/${name}.npy`)) as Uint8Array;
}

/** Writes a square 8-bit PNG into a folder. */
export function writePng(
  folder: string,
  name: string,
  side: number,
  channels: number,
  data: ArrayLike<number>,
): string {
  const path = join(folder, name);
  writeFileSync(path, encodePng({ width: side, height: side, channels, data }));
  return path;
}

/** Writes labels as a square grey PNG, each as the grey value that `grey` gives. */
export function writeMask(
  folder: string,
  labels: ArrayLike<number>,
  grey: (label: number, i: number) => number = (label) => label,
  name = "mask.png",
): string {
  const data = Uint8Array.from(labels, grey);
  return writePng(folder, name, Math.sqrt(data.length), 1, data);
}
