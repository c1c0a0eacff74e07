import { loadModel, readMask, recordFile, writeResults } from "@onnx-asma/node";
import { main } from "../../packages/node/src/cli/main.ts";
import { goldenTarget, unet, writeImage, writeMask } from "../support/golden-scene.ts";
import { scenes, type Given } from "./scenes.ts";

/** Attacks by the command line, in this process, and writes the results into `out`. */
export async function attackScene(name: string, folder: string, out: string): Promise<Given> {
  const make = scenes[name];
  if (make === undefined) {
    throw new Error(`There is no scene '${name}'.`);
  }
  const { flags, ...given } = await make(folder);
  const args = ["attack", given.model, given.image, "-o", out, ...flags];
  const code = await main([...args, "--quiet", "--threads", "1"]);
  if (code !== 0 && code !== 3) {
    throw new Error(`The attack of '${name}' ended with exit code ${code}.`);
  }
  return given;
}

/** Leads away from labels, which the library alone can be asked for. */
export async function attackUntargeted(folder: string, out: string): Promise<Given> {
  const image = writeImage(folder);
  const mask = writeMask(folder, goldenTarget("two.moved"));
  const model = await loadModel(unet, { sessionOptions: { intraOpNumThreads: 1 } });
  const pixelsOfImage = await model.readImage(image);
  const target = await readMask(mask, { classes: 2 });
  const labels = { data: target.data, dims: target.dims };
  const predictionBefore = await model.predict(pixelsOfImage);
  const choice = { attack: "pgd", targeted: false, epsilon: 4 / 255, iterations: 6 } as const;
  const run = await model.attack(pixelsOfImage, labels, choice);
  await writeResults(out, {
    model,
    sources: {
      model: model.sources,
      image: await recordFile(image),
      target: await recordFile(mask),
    },
    image: pixelsOfImage,
    target: labels,
    predictionBefore,
    result: await run.result,
    snapshots: [],
  });
  await model.release();
  return { model: unet, image, target: mask };
}
