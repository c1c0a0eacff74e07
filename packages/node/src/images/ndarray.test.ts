import { describe, expect, it } from "vitest";
import { fromNdarray } from "@onnx-asma/core";
import { toNdarray } from "./ndarray.ts";

describe("ndarray", () => {
  const tensor = { data: Float32Array.from({ length: 24 }, (_, k) => k), dims: [2, 3, 4] };

  it("wraps without copying and copies back", () => {
    const array = toNdarray(tensor);
    expect(array.get(1, 2, 3)).toBe(23);
    expect(array.data).toBe(tensor.data);
    const back = fromNdarray(array);
    expect(back).toEqual(tensor);
    expect(back.data).not.toBe(tensor.data);
  });

  it("copies strided, reversed and offset views to C order", () => {
    const array = toNdarray(tensor);
    const transposed = fromNdarray(array.pick(1, null, null).transpose(1, 0));
    expect(Array.from(transposed.data.subarray(0, 4))).toEqual([12, 16, 20, 13]);
    expect([...fromNdarray(array.lo(1, 1, 1).hi(1, 2, 2)).data]).toEqual([17, 18, 21, 22]);
    expect([...fromNdarray(array.step(-1, 1, 2).pick(0, 0, null)).data]).toEqual([12, 14]);
    const plain = { data: Uint8Array.of(1, 2, 3), shape: [3], stride: [-1], offset: 2 };
    expect(fromNdarray(plain)).toEqual({ data: Uint8Array.of(3, 2, 1), dims: [3] });
    expect(fromNdarray({ data: Uint8Array.of(9), shape: [], stride: [], offset: 0 }).data).toEqual(
      Uint8Array.of(9),
    );
  });

  it("refuses views outside their data and dims that do not fit", () => {
    const outside = { data: Uint8Array.of(1, 2), shape: [3], stride: [1], offset: 0 };
    expect(() => fromNdarray(outside)).toThrow(
      expect.objectContaining({ code: "ERR_ARRAY_SHAPE" }),
    );
    expect(() => toNdarray({ data: tensor.data, dims: [5] })).toThrow(
      expect.objectContaining({ code: "ERR_ARRAY_SHAPE" }),
    );
  });
});
