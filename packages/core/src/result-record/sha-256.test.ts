import { afterEach, expect, it, vi } from "vitest";
import { labelsHash, sha256 } from "./sha-256.ts";

afterEach(() => void vi.unstubAllGlobals());

it("is that of FIPS 180", async () => {
  expect(await sha256(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

it("hashes labels as little-endian int32", async () => {
  const bytes = Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255);
  expect(await labelsHash({ data: Int32Array.of(1, -1), dims: [1, 2] })).toBe(await sha256(bytes));
});

it("is refused by name where the browser has none", async () => {
  vi.stubGlobal("crypto", {});
  await expect(sha256(new Uint8Array(1))).rejects.toMatchObject({
    code: "ERR_INSECURE_PAGE",
    message: expect.stringContaining("https"),
  });
});
