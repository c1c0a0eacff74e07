import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { bytesPerElement, dataTypeToProto, type DataType } from "./data-type.ts";
import { makeTensor, readTensor } from "./tensor.ts";

const roundTrip = (dtype: DataType, data: readonly number[]) =>
  readTensor(makeTensor("t", dtype, [data.length], data));

const exact: Readonly<Partial<Record<DataType, fc.Arbitrary<number>>>> = {
  float32: fc.float(),
  float64: fc.double(),
  int64: fc.maxSafeInteger(),
  int32: fc.integer(),
  int16: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  int8: fc.integer({ min: -128, max: 127 }),
  uint64: fc.maxSafeNat(),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint16: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  uint8: fc.integer({ min: 0, max: 255 }),
  bool: fc.integer({ min: 0, max: 1 }),
};

it.each(Object.entries(exact))("gives %s back as written", (dtype, number) => {
  fc.assert(
    fc.property(fc.array(number), (data) => {
      expect(roundTrip(dtype as DataType, data)).toEqual(data);
    }),
  );
});

/** The nearest of a sorted list, the even index where two are as near. */
function nearest(x: number, sorted: readonly number[]): number {
  let [low, high] = [0, sorted.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= x) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const [below, above] = [sorted[low] as number, sorted[high] as number];
  if (x - below === above - x) {
    return low % 2 === 0 ? below : above;
  }
  return x - below < above - x ? below : above;
}

describe.each([
  { dtype: "float16", count: 0x7c00, highest: 65504, tie: 65520 },
  { dtype: "bfloat16", count: 0x7f80, highest: 2 ** 128 - 2 ** 120, tie: 2 ** 128 - 2 ** 119 },
] as const)("$dtype", ({ dtype, count, highest, tie }) => {
  const read = (bits: number[]) =>
    readTensor(
      create(TensorProtoSchema, {
        dataType: dataTypeToProto(dtype),
        dims: [BigInt(bits.length)],
        rawData: new Uint8Array(Uint16Array.from(bits).buffer),
      }),
    ) as number[];
  const positive = read(Array.from({ length: count }, (_, bits) => bits));

  it("knows every finite number", () => {
    expect(positive[0]).toBe(0);
    expect(positive.at(-1)).toBe(highest);
    expect(positive.every((v, i) => i === 0 || v > (positive[i - 1] as number))).toBe(true);
    expect(roundTrip(dtype, positive)).toEqual(positive);
    const negative = positive.map((v) => -v);
    expect(roundTrip(dtype, negative)).toEqual(negative);
  });

  it("rounds to the nearest, ties to even", () => {
    const withNext = [...positive, 2 * tie - highest];
    fc.assert(
      fc.property(fc.float({ min: 0, max: Math.fround(highest), noNaN: true }), (x) => {
        const rounded = nearest(x, withNext);
        expect(roundTrip(dtype, [x, -x])).toEqual([rounded, -rounded]);
      }),
      { numRuns: 500 },
    );
    const halfway = [7, 8, 1023, 1024, 5000].map(
      (i) => ((positive[i] as number) + (positive[i + 1] as number)) / 2,
    );
    expect(roundTrip(dtype, halfway)).toEqual(halfway.map((x) => nearest(x, positive)));
  });

  it("keeps what is not finite, and overflows to infinity", () => {
    const special = [Number.NaN, Infinity, -Infinity, -0];
    expect(roundTrip(dtype, special)).toEqual(special);
    expect(roundTrip(dtype, [tie, -tie])).toEqual([Infinity, -Infinity]);
  });

  it("reads the bits from int32_data", () => {
    const tensor = create(TensorProtoSchema, {
      dataType: dataTypeToProto(dtype),
      dims: [2n],
      int32Data: [1, count],
    });
    expect(readTensor(tensor)).toEqual([positive[1], Infinity]);
  });
});

it("keeps the ends of int64", () => {
  const ends = [2 ** 63, -(2 ** 63), Infinity, -Infinity];
  const { rawData } = makeTensor("t", "int64", [4], ends);
  const [highest, lowest] = [2n ** 63n - 1n, -(2n ** 63n)];
  expect([...new BigInt64Array(rawData.buffer)]).toEqual([highest, lowest, highest, lowest]);
  expect(roundTrip("int64", ends)).toEqual([2 ** 63, -(2 ** 63), 2 ** 63, -(2 ** 63)]);
  expect(roundTrip("uint64", [2 ** 64, -1])).toEqual([2 ** 64, 0]);
});

it.each([
  ["float32", { floatData: [1.5, -2] }, [1.5, -2]],
  ["float64", { doubleData: [0.1, -2] }, [0.1, -2]],
  ["int64", { int64Data: [-1n, 2n ** 63n - 1n] }, [-1, 2 ** 63]],
  ["uint64", { uint64Data: [1n, 2n] }, [1, 2]],
  ["uint32", { uint64Data: [1n, 2n] }, [1, 2]],
  ["int8", { int32Data: [-1, 2] }, [-1, 2]],
  ["bool", { int32Data: [1, 0] }, [1, 0]],
] as const)("reads %s from its typed field", (dtype, fields, expected) => {
  const dataType = dataTypeToProto(dtype);
  const tensor = create(TensorProtoSchema, { dataType, dims: [2n], ...(fields as object) });
  expect(readTensor(tensor)).toEqual(expected);
});

it("has no numbers for strings and unknown types", () => {
  const strings = create(TensorProtoSchema, { dataType: dataTypeToProto("string"), dims: [0n] });
  expect(readTensor(strings)).toBeUndefined();
  expect(readTensor(create(TensorProtoSchema, { dataType: 17, dims: [0n] }))).toBeUndefined();
  expect(bytesPerElement("string")).toBe(0);
});

it("refuses data that do not fit the dims", () => {
  expect(() => makeTensor("t", "float32", [3], [1, 2])).toThrow(
    "Expected 3 numbers for a float32 tensor 't' of dims [3] but found 2.",
  );
  expect(() => makeTensor("t", "string", [0], [])).toThrow("string tensor");
});
