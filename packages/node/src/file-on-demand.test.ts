import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/run-cli.ts";
import { fileOnDemand } from "./file-on-demand.ts";

it("reads parts of a file, and says when it became shorter", () => {
  const path = join(temporaryFolder(), "weights");
  writeFileSync(
    path,
    Uint8Array.from({ length: 100 }, (_, i) => i),
  );
  const file = fileOnDemand(path);
  expect(file.size).toBe(100);
  expect([...file.read(7, 3)]).toEqual([7, 8, 9]);
  expect(file.read(0, 100).length).toBe(100);
  truncateSync(path, 50);
  expect([...file.read(48, 2)]).toEqual([48, 49]);
  expect(() => file.read(48, 10)).toThrow(`'${path}' became shorter`);
});

it("throws where there is none", () => {
  expect(() => fileOnDemand(join(temporaryFolder(), "absent"))).toThrow("ENOENT");
});
