import * as ort from "onnxruntime-node";
import {
  GraphBuilder,
  readModel,
  resolve,
  vectorJacobianProduct,
  writeModel,
} from "@onnx-asma/autodiff";

/** Grad-CAM (Selvaraju et al. 2017) of the feature map `features`: [1, 1, height, width]. */
export async function gradCam(model, image, label, features) {
  const resolved = await resolve(await readModel(model), ort, { dims: { image: image.dims } });
  const b = new GraphBuilder(resolved);
  const scores = b.value("scores");
  const upstream = b.input("upstream", scores);
  const maps = b.value(features);
  const [gradient] = vectorJacobianProduct(b, [{ value: scores, upstream }], [maps]);
  const weights = b.reduce("ReduceMean", gradient, [2, 3]);
  const weighted = b.reduce("ReduceSum", b.op("Mul", [weights, maps]), [1]);
  b.output(b.op("Relu", [weighted]), "cam");
  const session = await ort.InferenceSession.create(writeModel(b.build().model, "embed").bytes);
  const one = new Float32Array(scores.dims[1]).fill(1, label, label + 1);
  const feeds = { image, upstream: new ort.Tensor("float32", one, scores.dims) };
  return (await session.run(feeds)).cam;
}
