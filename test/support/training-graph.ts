import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type ModelProto } from "onnx-buf";
import { readModel, type Model } from "@onnx-asma/autodiff";
import { golden } from "./golden-scene.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../training-graph/${name}`, import.meta.url));

/** The bundled model, and a training graph of it that begins at a loss and refers to its weights. */
export const opticDisc = {
  model: fileURLToPath(new URL("../../models/optic-disc.onnx", import.meta.url)),
  trainingGraph: fixture("optic-disc.training.onnx"),
};

/** A golden model of three classes, and one that begins at an initializer. */
export const unet3Training = {
  model: golden("unet3.onnx"),
  trainingGraph: fixture("unet3.training.onnx"),
};

/**
 * Reads a training graph that refers to the weights of its model.
 *
 * @param change alters the messages first
 */
export async function readTrainingFixture(
  { model, trainingGraph }: typeof opticDisc,
  change: (proto: ModelProto) => void = () => {},
): Promise<Model> {
  const proto = fromBinary(ModelProtoSchema, readFileSync(trainingGraph));
  change(proto);
  return await readModel(toBinary(ModelProtoSchema, proto), {
    loadExternalData: async () => readFileSync(model),
  });
}
