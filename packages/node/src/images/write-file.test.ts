import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeFile } from "./write-file.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "write-file-"))));
afterAll(() => rm(folder, { recursive: true }));

it("replaces a file whole and leaves nothing beside it", async () => {
  const path = join(folder, "a.txt");
  await writeFile(path, "first");
  await Promise.all(Array.from({ length: 8 }, (_, k) => writeFile(path, `contents ${k}`)));
  expect(await readFile(path, "utf8")).toMatch(/^contents \d$/);
  expect(await readdir(folder)).toEqual(["a.txt"]);
});

it("names the folder that does not take the file, and cleans up", async () => {
  const error = {
    code: "ERR_FOLDER_NOT_WRITABLE",
    message: expect.stringContaining("missing"),
    cause: expect.any(Error),
  };
  await expect(writeFile(join(folder, "missing", "a.txt"), "x")).rejects.toMatchObject(error);
  await mkdir(join(folder, "taken", "inside"), { recursive: true });
  await expect(writeFile(join(folder, "taken"), "x")).rejects.toMatchObject({
    code: "ERR_FOLDER_NOT_WRITABLE",
  });
  expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
