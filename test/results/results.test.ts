import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { beforeAll, describe, expect, it } from "vitest";
import { unet, writeImage } from "../support/golden-scene.ts";
import { runCli, temporaryFolder } from "../support/run-cli.ts";
import { resultSchema, type Schema } from "./result-schema.ts";
import { resultsDocument } from "./results-document.ts";

let schema: Schema;
beforeAll(() => void (schema = resultSchema()));

describe("result.json", () => {
  // `vitest run test/results -u` writes both.
  it("has a published schema", async () => {
    const text = `${JSON.stringify(schema, undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot("../../packages/core/result.schema.json");
  });

  it("is documented field by field", async () => {
    const text = resultsDocument(schema);
    await expect(text).toMatchFileSnapshot("../../docs/results.md");
    expect(text.split("\n").filter((row) => row.endsWith("|  |"))).toEqual([]);
    const links = [...text.matchAll(/\]\(#([\w-]+)\)/g)].map(([, section]) => section);
    const sections = [...text.matchAll(/^##+ (.+)$/gm)].map(([, title]) => title?.toLowerCase());
    expect(links.filter((link) => !sections.includes(link))).toEqual([]);
  });

  it.each([
    { flags: ["--disc", "46,46,10", "--iterations", "3"] },
    { flags: ["--hide", "1", "--float", "--attack", "pgd", "--epsilon", "0.01"] },
  ])("of $flags is as the schema says", async ({ flags }) => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    await runCli(["attack", unet, writeImage(folder), "-o", out, ...flags]);
    const record: unknown = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
    const ajv = new Ajv({ strict: false, allErrors: true });
    ajv.validate(schema, record);
    expect(ajv.errors).toBeNull();
  });
});
