import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseNpy } from "@onnx-asma/core/npy";
import { readNpy, writeNpy } from "./npy.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "npy-"))));
afterAll(() => rm(folder, { recursive: true }));

function npy(
  descr: string,
  shape: string,
  elements: Uint8Array,
  fortran = "False",
  pad = 0,
): Buffer {
  const header = `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }${" ".repeat(pad)}\n`;
  const start = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header), elements]);
}
const bytesOf = (array: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);
const code = (name: string): unknown => expect.objectContaining({ name: "AsmaError", code: name });

describe("npy", () => {
  it("reads back what it wrote", async () => {
    for (const data of [
      Float32Array.of(0.1, -2, 3e-9, 4, 5, 6),
      Int32Array.of(1, -2, 3, 4, 5, 6),
      new Uint8Array(6),
    ]) {
      await writeNpy(join(folder, "x.npy"), { data, dims: [1, 2, 3] });
      expect(await readNpy(join(folder, "x.npy"))).toEqual({ data, dims: [1, 2, 3] });
    }
    await writeNpy(join(folder, "x.npy"), { data: Float32Array.of(7), dims: [] });
    expect(await readNpy(join(folder, "x.npy"))).toEqual({ data: Float32Array.of(7), dims: [] });
    await expect(
      writeNpy(join(folder, "x.npy"), { data: new Uint8Array(5), dims: [2, 3] }),
    ).rejects.toThrow(code("ERR_ARRAY_SHAPE"));
  });

  it("reads any header length, Fortran order, booleans and 64-bit integers", () => {
    const floats = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6));
    for (let pad = 0; pad < 9; pad++) {
      expect([...parseNpy(npy("'<f4'", "(2, 3)", floats, "False", pad), "x").data]).toEqual([
        1, 2, 3, 4, 5, 6,
      ]);
    }
    expect([...parseNpy(npy("'<f4'", "(2, 3)", floats, "True"), "x").data]).toEqual([
      1, 3, 5, 2, 4, 6,
    ]);
    const bools = parseNpy(npy("'|b1'", "(2,)", Uint8Array.of(0, 1)), "x");
    expect(bools).toEqual({ data: Uint8Array.of(0, 1), dims: [2], isBoolean: true });
    const longs = parseNpy(npy("'<i8'", "(2,)", bytesOf(BigInt64Array.of(-1n, 9n))), "x");
    expect(longs).toEqual({ data: Int32Array.of(-1, 9), dims: [2] });
    const half = parseNpy(npy("'<f2'", "(1,)", bytesOf(Uint16Array.of(0x3c00))), "x");
    expect(half).toEqual({ data: Float32Array.of(1), dims: [1] });
  });

  it("rejects types that are not numbers of its kind", () => {
    const eight = new Uint8Array(8).fill(255);
    for (const descr of ["'>f4'", "'<U2'", "'|O'", "'<c8'", "[('a', '<f4')]"]) {
      expect(() => parseNpy(npy(descr, "(1,)", eight), "x")).toThrow(code("ERR_ARRAY_DTYPE"));
    }
    expect(() => parseNpy(npy("'<u8'", "(1,)", eight), "x")).toThrow(code("ERR_ARRAY_DTYPE"));
  });

  it("rejects damaged and truncated files, whatever they claim", async () => {
    const floats = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6));
    for (const shape of [
      "(7,)",
      "(-2, -3)",
      "(2.5,)",
      "(99999999999, 99999999999)",
      "(x,)",
      "2, 3",
    ]) {
      expect(() => parseNpy(npy("'<f4'", shape, floats), "x")).toThrow(
        code("ERR_IMAGE_UNREADABLE"),
      );
    }
    const whole = npy("'<f4'", "(2, 3)", floats);
    for (let end = 0; end < whole.length; end++) {
      expect(() => parseNpy(whole.subarray(0, end), "x")).toThrow(
        expect.objectContaining({ name: "AsmaError" }),
      );
    }
    await writeFile(join(folder, "cut.npy"), whole.subarray(0, 50));
    await expect(readNpy(join(folder, "cut.npy"))).rejects.toThrow(code("ERR_IMAGE_UNREADABLE"));
    await expect(readNpy(join(folder, "none.npy"))).rejects.toThrow(code("ERR_FILE_NOT_FOUND"));
  });
});
