import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodePng } from "@onnx-asma/node";
import {
  golden,
  goldenTarget,
  readNpyValues,
  toPixels,
  unet,
  unet3,
  unetDynamo,
  writeImage,
  writeMask,
  writePng,
} from "../support/golden-scene.ts";
import { writeNpyFile } from "../support/npy.ts";
import {
  channelsLastModel,
  colouredModel,
  headModel,
  multiLabelModel,
  queryModel,
  volumeModel,
} from "../support/segmentation-models.ts";
import { tinyModel } from "../support/tiny-model.ts";

const packages = new URL("../../packages/node/package.json", import.meta.url);

/** What is used of sharp. */
interface Sharp {
  resize(width: number, height: number): Sharp;
  jpeg(options: { readonly quality: number }): Sharp;
  tiff(options: { readonly compression: "deflate" }): Sharp;
  toFile(path: string): Promise<unknown>;
}
export const sharp = createRequire(packages)("sharp") as (
  input: string | Buffer,
  raw?: object,
) => Sharp;

const fourClasses = fileURLToPath(new URL("../../models/optic-disc-4class.onnx", import.meta.url));
const retina = fileURLToPath(new URL("../../models/retina.jpg", import.meta.url));

/** What a result was made of, as `recompute.py` is told it. */
export interface Given {
  readonly model: string;
  readonly image: string;
  readonly target?: string;
  readonly region?: string;
  readonly preprocessor?: string;
  /** NAME=FILE.npy */
  readonly feed?: string;
}

/** An attack whose result is recomputed. */
export interface Scene extends Given {
  readonly flags: readonly string[];
}

const side = 92;
const two = () => readNpyValues(golden("trajectories/two.image.npy")) as Float32Array;

const words = (text: string) => text.split(/\s+/);

/** Numbers in [0, 255] that look like nothing. */
const noise = (length: number, seed = 31) =>
  Uint8Array.from({ length }, (_, i) => (i * seed + i * i * 7) % 251);

/** Interleaved 8-bit pixels of the golden image. */
const pixels = () => Buffer.from(toPixels(two(), 3));
const raw = { raw: { width: side, height: side, channels: 3 } } as const;

function save(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Pointwise convolution of `channels` to three classes. */
const pointwise = (channels: number, size: number) =>
  headModel([1, channels, size, size], [0, 0.1, 0.2], [["Identity", ["scores"], "out"]]);

/** Everything that results may differ in; each is made in a folder of its own. */
export const scenes: Readonly<Record<string, (folder: string) => Promise<Scene> | Scene>> = {
  "PNG of 8 bits, target as mask": (folder) => {
    const target = writeMask(folder, goldenTarget("two.moved"));
    const flags = ["--target", target, "--iou", "0.6", "--iterations", "200"];
    return { model: unet, image: writeImage(folder), target, flags };
  },
  "PNG of 16 bits, shifted": (folder) => {
    const data = two().map((v, i) => Math.round(v * 65_000 + (i % 7)) / 65_535);
    const png = encodePng({ data, dims: [1, 3, side, side] }, { levels: 65_536 });
    const image = save(folder, "deep.png", png);
    return { model: unet, image, flags: ["--shift", "4,-6", "--iterations", "5"] };
  },
  "JPEG, four classes with names": async (folder) => {
    const image = join(folder, "photo.jpg");
    await sharp(retina).resize(260, 260).jpeg({ quality: 90 }).toFile(image);
    const flags = ["--rectangle", "90,90,60,70", "--target-class", "vessel", "--iterations", "2"];
    return { model: fourClasses, image, flags };
  },
  "TIFF, a class hidden": async (folder) => {
    const image = join(folder, "scan.tif");
    await sharp(pixels(), raw).tiff({ compression: "deflate" }).toFile(image);
    return { model: unet, image, flags: ["--hide", "1", "--iterations", "12"] };
  },
  "floats as .npy": (folder) => {
    const image = writeNpyFile(folder, "floats.npy", two(), [1, 3, side, side]);
    return { model: unet, image, flags: ["--disc", "46,46,10", "--iterations", "5"] };
  },
  "PNG of 8 bits, float attack": (folder) => ({
    model: unet,
    image: writeImage(folder),
    flags: ["--disc", "46,46,10", "--float", "--iterations", "6"],
  }),
  "grey, ignored pixels": (folder) => {
    const image = writePng(folder, "grey.png", 24, 1, noise(24 * 24));
    const labels = Array.from({ length: 24 * 24 }, (_, i) => (i % 24 < 3 ? 255 : i % 3));
    const target = writeMask(folder, labels);
    const flags = ["--target", target, "--ignore-label", "255", "--iterations", "9"];
    const model = save(folder, "grey.onnx", pointwise(1, 24));
    return { model, image, target, flags };
  },
  "four bands, several definitions": (folder) => {
    const image = writeNpyFile(folder, "bands.npy", noise(4 * 400), [4, 20, 20]);
    const model = save(folder, "bands.onnx", pointwise(4, 20));
    const flags = ["--rectangle", "4,4,9,9", "--target-class", "2", "--iterations", "9"];
    return { model, image, flags: [...flags, "--iou-definition", "mean-all"] };
  },
  "a volume": (folder) => {
    const image = writeNpyFile(folder, "volume.npy", noise(4 * 12 * 14), [4, 12, 14]);
    const model = save(folder, "volume.onnx", volumeModel([4, 12, 14]));
    return { model, image, flags: ["--disc", "2,5,6,3", "--iterations", "20"] };
  },
  "a volume of 16 bits, hidden": (folder) => {
    const deep = Uint16Array.from(noise(4 * 12 * 14), (v, i) => v * 257 + (i % 100));
    const image = writeNpyFile(folder, "volume.npy", deep, [4, 12, 14]);
    const model = save(folder, "volume.onnx", volumeModel([4, 12, 14]));
    return { model, image, flags: ["--hide", "1", "--iterations", "20"] };
  },
  "a region": (folder) => {
    const where = Array.from({ length: side * side }, (_, i) => (i % side > 40 ? 255 : 0));
    const region = writeMask(folder, where, undefined, "where.png");
    const flags = ["--hide", "1", "--region", region, "--iterations", "8"];
    return { model: unet, image: writeImage(folder), region, flags };
  },
  "three classes, PGD within L2": (folder) => ({
    model: unet3,
    image: writeImage(folder, "three"),
    flags: words(`--attack pgd --norm l2 --epsilon 1.5 --random-start --seed 3
      --disc 38,38,9 --target-class 2 --iterations 6`),
  }),
  "external data, resized, padded, normalised": (folder) => {
    const model = join(folder, "own.onnx");
    copyFileSync(unetDynamo, model);
    copyFileSync(`${unetDynamo}.data`, join(folder, "unet-dynamo.onnx.data"));
    const image = writePng(folder, "small.png", 70, 3, noise(3 * 70 * 70, 3));
    const flags = words(`--resize 80,84 --padding 6,4,6,4 --padding-mode reflect --channel-order bgr
      --range -1,1 --mean 0.1,0,-0.1 --std 0.9,1,1.1 --disc 35,35,9 --iterations 5`);
    return { model, image, flags };
  },
  "a preprocessor file, labels on the image's grid": (folder) => {
    const model = save(folder, "model.onnx", pointwise(3, 32));
    const preprocessor = join(folder, "preprocessor_config.json");
    const config = {
      image_processor_type: "SegformerImageProcessor",
      do_resize: true,
      size: { height: 32, width: 32 },
      resample: 3,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [0.485, 0.456, 0.406],
      image_std: [0.229, 0.224, 0.225],
    };
    writeFileSync(preprocessor, JSON.stringify(config));
    const image = writePng(folder, "image.png", 50, 3, noise(3 * 50 * 50, 5));
    const flags = ["--grid", "image", "--disc", "20,20,9", "--iterations", "5"];
    return { model, image, preprocessor, flags };
  },
  "another input, fed": (folder) => {
    const bytes = tinyModel({
      inputs: { image: { dims: [1, 3, 16, 16] }, gain: { dims: [3, 1, 1] } },
      constants: { w: { dims: [3, 3, 1, 1], data: [1, -2, 1, -1, 2, -1, 0.3, 0.1, 0.2] } },
      nodes: [
        ["Conv", ["image", "w"], "c"],
        ["Mul", ["c", "gain"], "scores"],
      ],
      outputs: ["scores"],
    });
    const gain = writeNpyFile(folder, "gain.npy", Float32Array.of(1, -0.7, 1.4), [3, 1, 1]);
    const scene = headScene(folder, bytes, ["--feed", `gain=${gain}`]);
    return { ...scene, feed: `gain=${gain}` };
  },
  "channels last": (folder) => headScene(folder, channelsLastModel(16, 16)),
  queries: (folder) => headScene(folder, queryModel(16, 16)),
  "independent channels": (folder) => headScene(folder, multiLabelModel(16, 16), ["--class", "1"]),
  "a map of colours": (folder) => headScene(folder, colouredModel(16, 16)),
};

function headScene(folder: string, model: Uint8Array, flags: readonly string[] = []): Scene {
  const image = writePng(folder, "image.png", 16, 3, noise(3 * 256));
  return {
    model: save(folder, "model.onnx", model),
    image,
    flags: ["--disc", "8,8,5", "--iterations", "9", ...flags],
  };
}
