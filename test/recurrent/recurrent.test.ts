import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import { hideClass, loadModel } from "@onnx-asma/node";
import { decodeFloats } from "../support/operator-case.ts";
import { relativeError, toFloats } from "../support/operator-graph.ts";

const urlOf = (name: string) => new URL(name, import.meta.url);
interface Encoded {
  readonly dims: readonly number[];
  readonly data: string;
}
const networks = JSON.parse(readFileSync(urlOf("expected.json"), "utf8")) as Readonly<
  Record<string, Readonly<Record<"image" | "logits" | "logits_grad" | "image_grad", Encoded>>>
>;

describe.each(Object.keys(networks).flatMap((name) => [`${name}-legacy`, `${name}-dynamo`]))(
  "%s",
  (file) => {
    const expected = networks[file.replace(/-\w+$/, "")] as (typeof networks)[string];

    it.each(["any", "cpu"] as const)("has autograd's gradient (target %s)", async (target) => {
      const resolved = await resolve(await readModel(readFileSync(urlOf(`${file}.onnx`))), ort);
      const { model } = differentiate(resolved, { target });
      expect(model.graph.node.some(({ opType }) => /^(LSTM|GRU)$/.test(opType))).toBe(false);
      const session = await ort.InferenceSession.create(writeModel(model, "embed").bytes);
      const feed = ({ data, dims }: Encoded) => new ort.Tensor("float32", decodeFloats(data), dims);
      const results = await session.run({
        image: feed(expected.image),
        logits_grad: feed(expected.logits_grad),
      });
      for (const name of ["logits", "image_grad"] as const) {
        const found = toFloats(results[name]?.data);
        expect(relativeError(found, decodeFloats(expected[name].data)), name).toBeLessThan(1e-5);
      }
      await session.release();
    });

    it("is attacked, and judged by its own operators", async () => {
      const model = await loadModel(fileURLToPath(urlOf(`${file}.onnx`)));
      const { data, dims } = expected.image;
      const image = {
        data: decodeFloats(data),
        dims: dims as [1, number, number, number],
      };
      const before = await model.predict(image);
      const target = hideClass(before, 1);
      const start = before.data.filter((label) => label === 1).length;
      expect(start).toBeGreaterThan(10);
      const run = await model.attack(image, target, {
        attack: "pgd",
        epsilon: 0.5,
        iterations: 60,
      });
      const { best } = await run.result;
      const after = await model.predict(best.image);
      expect(after.data.filter((label) => label === 1).length).toBeLessThan(start * 0.75);
      await model.release();
    });
  },
);
