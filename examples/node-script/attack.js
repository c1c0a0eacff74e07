// node attack.js MODEL.onnx IMAGE.png OUT.png
import { disc, isAsmaError, loadModel, perturbationNorms, writePng } from "@onnx-asma/node";

const [modelPath, imagePath, outPath] = process.argv.slice(2);
try {
  // As the network was trained: ImageNet's statistics. A preprocessor_config.json beside the model says the same.
  const model = await loadModel(modelPath, {
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });
  const image = await model.readImage(imagePath);

  // What is attacked: look at it before, or a success may be none.
  const { head, classNames } = await model.describe(image.dims.slice(2));
  const before = await model.predict(image);
  for (let c = 0; c < head.classes; c++) {
    console.log(`${classNames[c]}: ${before.data.filter((label) => label === c).length} pixels`);
  }

  // The target: a disc of class 1 in the middle of the model's output grid.
  const [height, width] = before.dims;
  const target = disc([height, width], [height / 2, width / 2], Math.min(height, width) / 6);

  const run = await model.attack(image, target);
  for await (const { step, iou, l2 } of run) {
    if (step % 10 === 0) console.log(`step ${step}: IoU ${iou.toFixed(3)}, L2 ${l2.toFixed(3)}`);
  }
  const { best } = await run.result;

  // What counts is the file: read back, and run through the untouched model.
  await writePng(outPath, best.image);
  const verdict = await model.verify(outPath, target, { original: image });
  const { linf } = perturbationNorms(verdict.image, image);
  console.log(
    `${verdict.reached ? "reached" : "not reached"}: IoU ${verdict.iou.toFixed(3)}, ` +
      `no pixel changed by more than ${Math.round(linf * 255)} of 255 levels`,
  );
  await model.release();
} catch (error) {
  if (!isAsmaError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
