import { disc, loadModel } from "@onnx-asma/web";

const form = document.querySelector("form");
const output = document.querySelector("output");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { model: modelInput, image: imageInput, 2: button } = form.elements;
  button.disabled = true;
  try {
    await attack(modelInput.files[0], imageInput.files[0]);
  } catch (error) {
    output.textContent = `${error.code ?? "Error"}: ${error.message}`;
  } finally {
    button.disabled = false;
  }
});

async function attack(modelFile, imageFile) {
  // As the network was trained: ImageNet's statistics.
  const model = await loadModel(modelFile, {
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });
  const image = await model.readImage(imageFile);
  const [, , height, width] = image.dims;
  const target = disc([height, width], [height / 2, width / 2], Math.min(height, width) / 6);

  const run = await model.attack(image, target);
  for await (const { step, iou } of run) {
    output.textContent = `step ${step}: IoU ${iou.toFixed(3)}`;
  }
  const { best } = await run.result;

  // What counts is the file: decoded again, and run through the untouched model.
  const png = await model.encode(best.image);
  const { reached, iou } = await model.verify(png, target, { original: image });
  await model.release();

  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(new Blob([png], { type: "image/png" })),
    download: "adversarial.png",
    textContent: "adversarial.png",
  });
  output.replaceChildren(`${reached ? "reached" : "not reached"}, IoU ${iou.toFixed(3)}: `, link);
}
