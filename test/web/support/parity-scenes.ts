import { basename, join } from "node:path";
import {
  disc,
  hideClass,
  readImage,
  type ImageTensor,
  type IouDefinition,
  type LabelMap,
  type ModelOptions,
} from "@onnx-asma/node";
import { unet, unet3, unetDynamo } from "../../support/golden-scene.ts";
import { mulberry32 } from "../../../packages/autodiff/src/check/mulberry32.ts";
import { modelsIn } from "../../zoo/zoo-entry.ts";
import { models } from "./open-page.ts";

/** A model, the picture that it is attacked on and the target: the same in Node and in browsers. */
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
  /** The target, from what the model draws on the picture. */
  readonly makeTarget: (prediction: LabelMap, image: ImageTensor) => LabelMap;
  /** Step size as a share of the automatic one. */
  readonly share: number;
  /** @default by the target */
  readonly iouDefinition?: IouDefinition;
}

const root = new URL("../../../", import.meta.url).pathname;

/** Folder that is served, and the address of a file in it. */
export const served = { folder: root, addressOf: (path: string) => `/${path.slice(root.length)}` };

const middle = (prediction: LabelMap): LabelMap => {
  const size = prediction.dims as readonly [number, number];
  return disc(size, [size[0] / 2, size[1] / 2], Math.min(...size) / 4);
};

/** The golden U-Nets: small, of two and three classes, with and without external data. */
export const goldenScenes: readonly ParityScene[] = [unet, unetDynamo, unet3].map((path) => ({
  name: basename(path),
  path,
  options: {},
  makeImage: async (channels) => waves(channels, path === unet3 ? [76, 76] : [92, 92]),
  makeTarget: middle,
  share: 1,
}));

const beside = (_: LabelMap, { dims }: ImageTensor): LabelMap => {
  const [, , height, width] = dims as readonly [number, number, number, number];
  return disc([height, width], [0.3 * height, 0.4 * width], 0.09 * height);
};
const hidden = (prediction: LabelMap): LabelMap => hideClass(prediction, 1);

/**
 * The bundled models on the bundled photograph. Their steps are small ones: with the automatic size,
 * noise of one unit in the last place of the image makes Node differ from itself by hundreds of pixels
 * within 20 steps, where a gradient passes the kinks of a ReLU or a max pool. For the model of four classes the
 * photograph is turned: as it is, such noise alone makes a difference of 4e-4, turned one of 2e-7.
 */
export const bundledScenes: readonly ParityScene[] = (
  [
    ["optic-disc", hidden, 0.3, undefined, false],
    ["optic-disc-4class", beside, 0.03, "mean-present", true],
    ["optic-disc-robust", beside, 0.3, undefined, false],
  ] as const
).map(([name, makeTarget, share, iouDefinition, isTurned]) => ({
  name,
  path: join(models, `${name}.onnx`),
  options: {},
  makeImage: async (channels) => {
    const image = await readImage(join(models, "retina.jpg"), { channels });
    return isTurned ? turned(image) : image;
  },
  makeTarget,
  share,
  ...(iouDefinition && { iouDefinition }),
}));

/** The five zoo models under version control, or those that were made. */
export const zooScenes = (part: "committed/" | "models/"): ParityScene[] =>
  modelsIn(part)
    .filter(({ failure }) => failure === undefined)
    .map(({ entry, exporter, folder }) => ({
      name: `${entry.name} (${exporter})`,
      path: join(folder, `${exporter}.onnx`),
      // Their weights are made for images around 0.
      options: { range: [-2, 2] },
      makeImage: async (channels, size) => waves(channels, size),
      makeTarget: middle,
      share: 1,
    }));

/** Waves in all directions, a little noise, rounded to 8 bits. */
/** Rows become columns; the photograph is square. */
function turned(image: ImageTensor): ImageTensor {
  const [, , side] = image.dims;
  const data = image.data.map((_, i) => {
    const [plane, y, x] = [
      Math.floor(i / side ** 2) * side ** 2,
      Math.floor(i / side) % side,
      i % side,
    ];
    return image.data[plane + x * side + y] as number;
  });
  return { ...image, data };
}

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
