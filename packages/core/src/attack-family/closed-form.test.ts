import { GraphBuilder, writeModel } from "@onnx-asma/autodiff";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workbenchOf } from "../../../../test/support/workbench-of.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import { perturbationNorms } from "../metrics/perturbation-norms.ts";
import type { AttackChoice } from "../workbench/attack-choice.ts";
import type { Workbench } from "../workbench/workbench.ts";
import { registerAttackFamily } from "./index.ts";

/** A pixel is class 1 where w·x > b: a 1x1 convolution with two outputs. */
const [w, b] = [[1, 0.6, -0.4] as const, 0.6];
const size = 10;
const pixels = size * size;

function planeModel(): Uint8Array {
  const builder = GraphBuilder.empty();
  const x = builder.input("x", { dtype: "float32", dims: [1, 3, size, size] });
  const weight = builder.constant(
    "float32",
    [2, 3, 1, 1],
    [...w.map((v) => -3 * v), ...w.map((v) => 3 * v)],
  );
  const bias = builder.constant("float32", [2], [3 * b, -3 * b]);
  builder.output(
    builder.op("Conv", [x, weight, bias], { group: 1, kernel_shape: [1, 1] }),
    "scores",
  );
  return writeModel(builder.build().model, "embed").bytes;
}

/** Values from 0.3 to 0.7, so that no minimal change leaves [0, 1]; some pixels nearer to the plane than others. */
function pictureOf(seed: number): ImageTensor {
  const data = Float32Array.from(
    { length: 3 * pixels },
    (_, i) => 0.5 + 0.2 * Math.sin(12.9898 * (i + 1) + 78.233 * seed),
  );
  return { data, dims: [1, 3, size, size], levels: Number.POSITIVE_INFINITY };
}

/** [class 1?, distance to the plane in L2, in L∞] of a pixel. */
function pixelOf({ data }: ImageTensor, i: number) {
  const value = w.reduce((sum, v, c) => sum + v * (data[c * pixels + i] as number), -b);
  return {
    isOne: value > 0,
    l2: Math.abs(value) / Math.hypot(...w),
    linf: Math.abs(value) / w.reduce((sum, v) => sum + Math.abs(v), 0),
  };
}

/** Labels that differ from the prediction at the last fifth of the pixels: by how much the image has to change. */
function sceneOf(seed: number) {
  const image = pictureOf(seed);
  const all = Array.from({ length: pixels }, (_, i) => pixelOf(image, i));
  const isChanged = (i: number) => i >= 0.8 * pixels;
  const target: LabelMap = {
    data: Int32Array.from(all, ({ isOne }, i) => (isOne === isChanged(i) ? 0 : 1)),
    dims: [size, size],
  };
  const changed = all.filter((_, i) => isChanged(i));
  return {
    image,
    target,
    minimal: {
      l2: Math.hypot(...changed.map(({ l2 }) => l2)),
      linf: Math.max(...changed.map(({ linf }) => linf)),
    },
  };
}

/** How many times the smallest norm an attack may need. */
const allowed = { l2: 1.1, linf: 1.25 } as const;

let model: Workbench;
beforeAll(async () => {
  registerAttackFamily();
  model = await workbenchOf(planeModel());
});
afterAll(async () => await model.release());

// With the step sizes for an image of a few hundred values, and 500 passes: the defaults suit larger ones.
describe.each<AttackChoice & { readonly norm?: "l2" | "linf" }>([
  { attack: "fmn", norm: "l2" },
  { attack: "fmn", norm: "linf" },
  { attack: "asma+", norm: "l2" },
  { attack: "asma+", norm: "linf" },
  { attack: "ddn", loss: "margin" },
  { attack: "pdgd", primalRate: 0.1 },
  { attack: "pdpgd", norm: "l2", primalRate: 0.1, dualRate: 0.05 },
  { attack: "pdpgd", norm: "linf" },
  { attack: "alma-prox" },
])("%o", (choice) => {
  it.each([1, 2, 3])("comes close to the smallest change of image %i", async (seed) => {
    const { image, target, minimal } = sceneOf(seed);
    const run = await model.attack(image, target, {
      ...choice,
      iouThreshold: 1,
      iterations: 500,
    } as AttackChoice);
    const { reached, best } = await run.result;
    expect(reached).toBe(true);
    const norm = choice.norm ?? (choice.attack === "alma-prox" ? "linf" : "l2");
    const factor = perturbationNorms(best.image, image)[norm] / minimal[norm];
    expect(factor).toBeGreaterThan(1 - 1e-4);
    expect(factor).toBeLessThan(allowed[norm]);
  });
});
