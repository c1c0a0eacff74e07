import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { tinyModel, type TinyModel } from "../../../../test/support/tiny-model.ts";
import { checkGradient } from "./check-gradient.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import { broadcastDims, sameDims, type Value } from "../graph/value.ts";
import { readModel } from "../model/read-model.ts";
import { writeModel } from "../model/write-model.ts";
import { resolve } from "../resolve/resolve.ts";

const prepare = async (model: TinyModel) => await resolve(await readModel(tinyModel(model)), ort);

describe("checkGradient", () => {
  const product: TinyModel = {
    inputs: { x: { dims: [3] }, k: { dims: [3] } },
    nodes: [
      ["Mul", ["x", "k"], "h"],
      ["Exp", ["h"], "y"],
      ["Sin", ["h"], "z"],
    ],
    outputs: ["y", "z"],
  };

  it("finds a right gradient right", async () => {
    const { figures, worst } = await checkGradient(await prepare(product), ort, { directions: 3 });
    expect(figures.map(({ direction }) => direction)).toEqual([0, 1, 2]);
    expect(worst).toBe(Math.max(...figures.map(({ relativeError }) => relativeError)));
    expect(worst).toBeLessThan(2e-3);
    expect(figures.every(({ expected }) => expected !== 0)).toBe(true);
  });

  it("takes inputs, outputs and feeds by name", async () => {
    const resolved = await prepare(product);
    const options = { feeds: { x: [0, 0, 0], k: [1, 2, 3] }, directions: 2 };
    const both = { inputs: ["x", "k"], outputs: ["y", "z", "h"] };
    const { worst } = await checkGradient(resolved, ort, { ...options, ...both });
    expect(worst).toBeLessThan(2e-3);
    // At x = 0 nothing depends on k.
    const flat = await checkGradient(resolved, ort, { ...options, inputs: ["k"] });
    expect(flat.figures.map(({ expected, found }) => [expected, found])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(flat.worst).toBe(0);
  });

  it("finds a wrong gradient wrong", async () => {
    // A kink is where no gradient is right: Relu at 0.
    const kink = await prepare({ inputs: { x: { dims: [4] } }, nodes: [["Relu", ["x"], "y"]] });
    const found = await checkGradient(kink, ort, { feeds: { x: [0, 0, 0, 0] } });
    expect(found.worst).toBeGreaterThan(0.3);
  });

  it("repeats with its seed", async () => {
    const resolved = await prepare(product);
    const first = await checkGradient(resolved, ort, { seed: 5 });
    expect(await checkGradient(resolved, ort, { seed: 5 })).toEqual(first);
    expect(await checkGradient(resolved, ort, { seed: 6 })).not.toEqual(first);
  });

  it("refuses feeds of the wrong size", async () => {
    await expect(
      checkGradient(await prepare(product), ort, { feeds: { x: [1] } }),
    ).rejects.toMatchObject({ code: "ERR_FEED" });
  });

  it("refuses to move inner values", async () => {
    await expect(
      checkGradient(await prepare(product), ort, { inputs: ["h"] }),
    ).rejects.toMatchObject({
      code: "ERR_FEED",
      message: expect.stringContaining("'h'") as string,
    });
  });

  it("says when a figure is no number", async () => {
    const root = await prepare({ inputs: { x: { dims: [4] } }, nodes: [["Sqrt", ["x"], "y"]] });
    expect((await checkGradient(root, ort, { feeds: { x: [1, 1, -1, 1] } })).worst).toBeNaN();
  });
});

/** One operator of a random graph: what it reads and how, as numbers that always mean something. */
interface Instruction {
  readonly kind: (typeof kinds)[number];
  readonly first: number;
  readonly second: number;
  readonly choice: number;
}

const unary = ["Sigmoid", "Tanh", "Sin", "Cos", "Relu", "Abs", "Neg", "Softmax"];
const kinds = [
  "unary",
  "unary",
  "binary",
  "binary",
  "divide",
  "reduce",
  "reshape",
  "transpose",
  "matmul",
  "slice",
  "concat",
  "pad",
  "tile",
  "split",
  "gather",
] as const;

function apply(b: GraphBuilder, values: readonly Value[], instruction: Instruction): Value {
  const { kind, first, second, choice } = instruction;
  // Half of the time the newest value, so that graphs grow deep as well as wide.
  const x = (first % 2 ? values.at(-1) : values[first % values.length]) as Value;
  const { dims } = x;
  const rank = dims.length;
  const axis = rank === 0 ? 0 : choice % rank;
  const scaled = (value: Value) => b.op("Mul", [value, b.scalar(0.25, "float64")]);
  switch (kind) {
    case "unary": {
      const opType = unary[choice % unary.length] as string;
      const attributes = opType === "Softmax" ? { axis } : {};
      return b.op(rank === 0 && opType === "Softmax" ? "Tanh" : opType, [x], attributes);
    }
    case "binary": {
      const fits = values.filter((value) => {
        const joined = broadcastDims(value.dims, dims);
        return joined !== undefined && joined.reduce((n, d) => n * d, 1) <= 400;
      });
      const other = fits[second % fits.length] ?? x;
      const opType = ["Add", "Sub", "Mul", "Max", "Min"][choice % 5] as string;
      return scaled(b.op(opType, second % 3 ? [x, other] : [other, x]));
    }
    case "divide":
      return b.op("Div", [x, b.op("Add", [b.op("Mul", [x, x]), b.scalar(1, "float64")])]);
    case "reduce": {
      const opType = (["ReduceSum", "ReduceMean", "ReduceMax"] as const)[choice % 3] as "ReduceSum";
      return rank === 0 ? x : scaled(b.reduce(opType, x, [axis], second % 2 === 0));
    }
    case "reshape": {
      const [one, ...rest] = dims;
      return b.reshape(x, choice % 2 ? [...rest, one ?? 1] : [dims.reduce((n, d) => n * d, 1), 1]);
    }
    case "transpose":
      return b.transpose(
        x,
        dims.map((_, i) => (i + 1 + (choice % Math.max(1, rank))) % rank),
      );
    case "matmul": {
      const matrix = rank < 2 ? b.reshape(x, [1, dims.reduce((n, d) => n * d, 1)]) : x;
      const perm = matrix.dims.map((_, i) => i);
      const turned = b.transpose(matrix, [...perm.slice(0, -2), ...perm.slice(-2).toReversed()]);
      return scaled(b.matmul(matrix, turned));
    }
    case "slice":
      return rank === 0 || dims[axis] === 1
        ? x
        : second % 2
          ? b.slice(x, [axis], [1], [dims[axis] as number])
          : b.slice(x, [axis], [-1], [-1000], [-1 - (choice % 2)]);
    case "concat": {
      const same = values.filter((value) => sameDims(value.dims, dims));
      const other = same[second % same.length] as Value;
      return rank === 0 || dims.reduce((n, d) => n * d, 1) > 200
        ? x
        : b.op("Concat", [other, x, other], { axis });
    }
    case "pad":
      return rank === 0
        ? x
        : b.pad(
            x,
            Array.from({ length: 2 * rank }, (_, i) => ((choice + i) % 3 === 0 ? 1 : 0)),
          );
    case "tile":
      return rank === 0 || dims.reduce((n, d) => n * d, 1) > 200
        ? x
        : b.op("Tile", [x, b.ints(dims.map((_, i) => (i === axis ? 2 : 1)))]);
    case "split": {
      const size = dims[axis] ?? 1;
      return size === 1 ? x : (b.split(x, axis, [1, size - 1])[second % 2] as Value);
    }
    case "gather": {
      const size = dims[axis] ?? 1;
      const indices = b.ints([choice, second, choice].map((i) => i % size));
      return rank === 0 ? x : b.op("Gather", [x, indices], { axis });
    }
  }
}

function randomModel(instructions: readonly Instruction[]): Uint8Array {
  const b = GraphBuilder.empty();
  const dims = [2, 3, 4];
  const x = b.input("x", { dtype: "float64", dims });
  const z = b.input("z", { dtype: "float64", dims: dims.slice(2) });
  const values = [b.op("Mul", [x, z]), b.op("Sub", [z, x])];
  instructions.forEach((instruction) => values.push(apply(b, values, instruction)));
  b.output(b.op("Sin", [values.at(-1) as Value]), "y");
  const side = values[Math.floor(values.length / 2)] as Value;
  b.output(b.op("Tanh", [side]), "side");
  return writeModel(b.build().model, "embed").bytes;
}

it("agrees with finite differences on random graphs", async () => {
  const instruction = fc.record({
    kind: fc.constantFrom(...kinds),
    first: fc.nat(99),
    second: fc.nat(99),
    choice: fc.nat(99),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(instruction, { minLength: 1, maxLength: 14 }),
      fc.nat(1000),
      async (instructions, seed) => {
        const resolved = await resolve(await readModel(randomModel(instructions)), ort);
        const outputs = instructions.length % 2 ? ["y"] : ["y", "side"];
        // Fusions of ONNX Runtime lack kernels for float64 (QuickGelu).
        const sessionOptions = { graphOptimizationLevel: "basic" } as const;
        const numbers = { directions: 3, step: 1e-5, seed };
        const options = { inputs: ["x", "z"], outputs, ...numbers, sessionOptions };
        for (const { expected, found, relativeError } of (
          await checkGradient(resolved, ort, options)
        ).figures) {
          // Of a gradient that vanishes there is only the rounding of the difference.
          if (Math.abs(expected - found) > 1e-9) {
            expect(relativeError).toBeLessThan(1e-5);
          }
        }
      },
    ),
    { numRuns: Number(process.env["RANDOM_GRAPHS"] ?? 100) },
  );
});
