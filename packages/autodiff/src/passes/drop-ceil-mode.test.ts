import fc from "fast-check";
import type { NodeProto } from "onnx-buf";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { intAttribute, intsAttribute } from "../graph/attribute.ts";
import { readModel } from "../model/read-model.ts";
import { writeModel } from "../model/write-model.ts";
import { dropCeilMode } from "./drop-ceil-mode.ts";

interface Pool {
  readonly opType: "MaxPool" | "AveragePool";
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly begin: number;
  readonly end: number;
  readonly includesPads?: boolean;
}

async function drop({ opType, size, kernel, stride, begin, end, includesPads }: Pool) {
  const bytes = tinyModel({
    inputs: { x: { dims: [1, 1, size] } },
    nodes: [
      [
        opType,
        ["x"],
        "y",
        {
          kernel_shape: [kernel],
          strides: [stride],
          pads: [begin, end],
          ceil_mode: 1,
          count_include_pad: opType === "AveragePool" && includesPads ? 1 : undefined,
        },
      ],
    ],
  });
  const model = await readModel(bytes);
  const types = new Map([["x", { dtype: "float32", dims: [1, 1, size] } as const]]);
  const isChanged = dropCeilMode(model, { types });
  const ceilMode = intAttribute(model.graph.node[0] as NodeProto, "ceil_mode", 0);
  expect(ceilMode).toBe(isChanged ? 0 : 1);
  return { isChanged, before: bytes, after: writeModel(model, "embed").bytes };
}

async function run(bytes: Uint8Array, size: number) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const x = Float32Array.from({ length: size }, (_, i) => Math.sin(i * i));
  const { y } = await session.run({ x: new ort.Tensor("float32", x, [1, 1, size]) });
  await session.release();
  return { dims: y?.dims, data: [...(y?.data as Float32Array)] };
}

const pool = { opType: "MaxPool", kernel: 2, stride: 2, begin: 0, end: 0 } as const;

it("drops the mode where windows fit", async () => {
  expect((await drop({ ...pool, size: 8 })).isChanged).toBe(true);
});

it("widens the padding where it adds a window", async () => {
  const { isChanged, after } = await drop({ ...pool, size: 7 });
  expect(isChanged).toBe(true);
  expect(intsAttribute((await readModel(after)).graph.node[0] as NodeProto, "pads")).toEqual([
    0, 1,
  ]);
});

it("keeps it where padding would change the mean", async () => {
  const average = { ...pool, opType: "AveragePool", size: 7, includesPads: true } as const;
  expect((await drop(average)).isChanged).toBe(false);
});

it("drops it where the added window would start in the padding", async () => {
  expect((await drop({ ...pool, size: 5, stride: 3, end: 1 })).isChanged).toBe(true);
});

it("never changes what the runtime computes", async () => {
  const pools = fc.record({
    opType: fc.constantFrom("MaxPool" as const, "AveragePool" as const),
    size: fc.integer({ min: 4, max: 12 }),
    kernel: fc.integer({ min: 2, max: 4 }),
    stride: fc.integer({ min: 1, max: 4 }),
    begin: fc.integer({ min: 0, max: 1 }),
    end: fc.integer({ min: 0, max: 1 }),
    includesPads: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(pools, async (parameters) => {
      const { isChanged, before, after } = await drop(parameters);
      if (isChanged) {
        expect(await run(after, parameters.size)).toEqual(await run(before, parameters.size));
      }
    }),
    { numRuns: 60 },
  );
});
