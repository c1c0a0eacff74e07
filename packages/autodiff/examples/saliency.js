import * as ort from "onnxruntime-node";
import { differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";

/** The gradient of one class score with respect to the image, which is [1, channels, height, width]. */
export async function saliency(model, image, label) {
  const resolved = await resolve(await readModel(model), ort, { dims: { image: image.dims } });
  const derived = differentiate(resolved, { inputs: ["image"], outputs: ["scores"] });
  const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
  const { dims } = derived.types.get("scores");
  const upstream = new Float32Array(dims[1]).fill(1, label, label + 1);
  const scores_grad = new ort.Tensor("float32", upstream, dims);
  const { image_grad } = await session.run({ image, scores_grad });
  return image_grad;
}
