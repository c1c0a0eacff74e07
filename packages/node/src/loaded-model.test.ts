import ndarray from "ndarray";
import { expect, it } from "vitest";
import { readModel } from "@onnx-asma/autodiff";
import { volumeModel } from "../../../test/support/segmentation-models.ts";
import { loadModel } from "./load-model.ts";

it("attacks a volume given as ndarray", async () => {
  const size = [3, 4, 5] as const;
  const data = Float32Array.from({ length: 60 }, (_, i) => ((i * 37) % 60) / 60);
  const volume = ndarray(data, [1, ...size]);
  const model = await loadModel(await readModel(volumeModel(size)));
  const before = await model.predict(volume);
  expect(before.dims).toEqual(size);
  expect([...before.data]).toEqual(Array.from(data, (v) => (v > 0.5 ? 1 : 0)));
  const target = ndarray(
    before.data.map((label) => 1 - label),
    [...size],
  );
  const { best, reached } = await (await model.attack(volume, target)).result;
  expect(reached).toBe(true);
  expect(best.image.dims).toEqual([1, 1, ...size]);
  expect([...(await model.predict(best.image)).data]).toEqual([...best.prediction.data]);
  await model.release();
});
