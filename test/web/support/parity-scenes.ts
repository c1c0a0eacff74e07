import { basename, join } from "node:path";
import { readImage, type ImageTensor, type ModelOptions } from "@onnx-asma/node";
import { golden, unet, unet3, unetDynamo } from "../../support/golden-scene.ts";
import { mulberry32 } from "../../../packages/autodiff/src/mulberry32.ts";
import { modelsIn } from "../../zoo/zoo-entry.ts";
import { models } from "./open-page.ts";

/** A model and the picture that it is attacked on, the same in Node and in browsers. */
export interface ParityScene {
  readonly name: string;
  /** Path of the model's file. */
  readonly path: string;
  readonly options: Pick<ModelOptions, "range">;
  /** The picture, for the height and width that the model takes, if it takes one size only. */
  readonly makeImage: (
    channels: number,
    size: readonly (number | undefined)[],
  ) => Promise<ImageTensor>;
}

const root = new URL("../../../", import.meta.url).pathname;

/** Folder that is served, and the address of a file in it. */
export const served = { folder: root, addressOf: (path: string) => `/${path.slice(root.length)}` };

/** The golden U-Nets: small, of two and three classes, with and without external data. */
export const goldenScenes: readonly ParityScene[] = [unet, unetDynamo, unet3].map((path) => ({
  name: basename(path),
  path,
  options: {},
  makeImage: async (channels) => waves(channels, path === unet3 ? [76, 76] : [92, 92]),
}));

/** The bundled models on a part of the bundled photograph. */
export const bundledScenes: readonly ParityScene[] = [
  "optic-disc",
  "optic-disc-4class",
  "optic-disc-robust",
].map((name) => ({
  name,
  path: join(models, `${name}.onnx`),
  options: {},
  makeImage: photograph,
}));

/** The five zoo models under version control, and those that were made. */
export const zooScenes: readonly ParityScene[] = [...modelsIn("committed/"), ...modelsIn("models/")]
  .filter(({ failure }) => failure === undefined)
  .map(({ entry, exporter, folder }) => ({
    name: `${entry.name} (${exporter})`,
    path: join(folder, `${exporter}.onnx`),
    // Their weights are made for images around 0.
    options: { range: [-2, 2] },
    makeImage: async (channels, size) => waves(channels, size),
  }));

/** Waves in all directions, a little noise, rounded to 8 bits. */
function waves(channels: number, size: readonly (number | undefined)[]): ImageTensor {
  const [height, width] = size as [number, number];
  const random = mulberry32(5);
  const data = new Float32Array(channels * height * width);
  for (let i = 0; i < data.length; i++) {
    const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const wave = Math.sin((3 + c) * (x / width) * 2 + 1) * Math.cos((4 - c) * (y / height) * 2);
    data[i] = Math.round((0.5 + 0.35 * wave + 0.15 * (random() - 0.5)) * 255) / 255;
  }
  return { data, dims: [1, channels, height, width] };
}

/** The middle of the bundled photograph at a third of its size, 400×400 pixels. */
async function photograph(channels: number): Promise<ImageTensor> {
  const { data, dims } = await readImage(join(models, "retina.jpg"), { channels });
  const [, , height, width] = dims as readonly [number, number, number, number];
  const side = 400;
  const [top, left] = [Math.floor((height - 3 * side) / 2), Math.floor((width - 3 * side) / 2)];
  const small = new Float32Array(channels * side * side);
  for (let i = 0; i < small.length; i++) {
    const [c, y, x] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
    const at = (c * height + top + 3 * y + 1) * width + left + 3 * x + 1;
    small[i] = data[at] as number;
  }
  return { data: small, dims: [1, channels, side, side] };
}
