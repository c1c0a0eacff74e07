import type { Model } from "@onnx-asma/autodiff";
import {
  fileRecordOf,
  type AttackSources,
  type FileRecord,
  type ModelSources,
} from "@onnx-asma/core/result-record";
import type { SourceFiles } from "../messages.ts";
import type { ReadModel } from "./bench.ts";

/** The files of a model, hashed. */
export async function recordModel(read: ReadModel): Promise<ModelSources> {
  const { model, trainingGraph, preprocessorFile: file } = read;
  const [own, ...externalData] = await recordWeights(model);
  return {
    model: own as FileRecord,
    externalData,
    preprocessor: file && (await fileRecordOf(file.name, file.bytes)),
    trainingGraph: trainingGraph && (await recordWeights(trainingGraph.model)),
  };
}

/** The files that an attack was given, hashed; `model` are those of its model. */
export async function recordSources(
  model: ModelSources,
  { image, target, region }: SourceFiles,
): Promise<Omit<AttackSources, "image"> & { readonly image: FileRecord | undefined }> {
  const record = async (file: File | undefined) =>
    file && (await fileRecordOf(file.name, new Uint8Array(await file.arrayBuffer())));
  return {
    model,
    image: await record(image),
    target: await record(target),
    region: await record(region),
  };
}

async function recordWeights({ files }: Model): Promise<FileRecord[]> {
  return await Promise.all(files.map(({ location, data }) => fileRecordOf(location, data)));
}
