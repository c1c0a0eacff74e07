import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { GraphBuilder, writeModel, type Runtime } from "@onnx-asma/autodiff";
import { SegmentationModel, type Size } from "@onnx-asma/core";
import { parsePreprocessor } from "@onnx-asma/core/preprocessor";
// eslint-disable-next-line
import { appendPreprocessing } from "../../packages/core/src/model/input/preprocessing.ts";

/** A model whose scores are its input, of any height and width. */
export const identity = readFileSync(
  new URL("../cases/preprocessor-ignored/id.onnx", import.meta.url),
);

/** The picture of make_processors.py: 3 × height × width numbers from 0 to 255. */
export function picture(height: number, width: number): Float32Array {
  const data = new Float32Array(3 * height * width);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const waves = 128 + 90 * Math.sin(x / 9 + c) * Math.cos(y / 7 - c);
        const board = ((Math.floor(x / 11) + Math.floor(y / 13)) % 2) - 0.5;
        const edges = 60 * board + ((x * 31 + y * 17 + c * 57) % 23);
        const value = Math.floor(Math.min(Math.max(waves + edges, 0), 255));
        data[(c * height + y) * width + x] = value;
      }
    }
  }
  return data;
}

/** What a file makes of a picture: the identity's input. */
export async function pixelValues(
  text: string,
  size: readonly [number, number],
): Promise<{ readonly dims: readonly number[]; readonly data: Float32Array }> {
  const preprocessor = parsePreprocessor(text, "preprocessor_config.json");
  const model = await SegmentationModel.load(ort as Runtime, identity, size as Size, {
    preprocessor,
  });
  const { preprocessing } = model.description;
  await model.release();
  const dims = [1, 3, ...size];
  const b = GraphBuilder.empty();
  const image = b.input("image", { dtype: "float32", dims });
  b.output(appendPreprocessing(b, b.op("Identity", [image]), "float32", preprocessing), "values");
  const session = await ort.InferenceSession.create(writeModel(b.build().model, "embed").bytes);
  const data = picture(...size).map((v) => v / 255);
  const { values } = await session.run({ image: new ort.Tensor("float32", data, dims) });
  await session.release();
  return { dims: (values as ort.Tensor).dims.slice(1), data: values?.data as Float32Array };
}

/** One file of an image processor, and what its own library makes of the pictures; without that it is refused. */
export interface ProcessorCase {
  readonly config: Readonly<Record<string, unknown>>;
  readonly found?: readonly {
    readonly dims: readonly number[];
    readonly values: readonly number[];
    /** Whether the library resampled, where it does so otherwise than Pillow. */
    readonly isResampled?: boolean;
  }[];
}

export const sizes = [
  [90, 150],
  [64, 64],
  [131, 70],
] as const;

export function readCases(name: string): [string, ProcessorCase][] {
  const text = readFileSync(new URL(name, import.meta.url), "utf8");
  return Object.entries(JSON.parse(text) as Record<string, ProcessorCase>);
}

/** Positions that values are kept of. */
export function positions(count: number, samples: number): number[] {
  return Array.from({ length: samples }, (_, i) => Math.floor((i * (count - 1)) / (samples - 1)));
}
