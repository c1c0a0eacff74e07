import { crc32 as expected } from "node:zlib";
import { expect, it } from "vitest";
import { crc32 } from "./crc-32.ts";

it("is zlib's", () => {
  expect(crc32(Buffer.from("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i * 31) % 256);
  expect(crc32(bytes)).toBe(expected(bytes));
});
