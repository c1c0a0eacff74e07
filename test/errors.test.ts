import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { autodiffErrorCodes, AutodiffError, type AutodiffErrorCode } from "@onnx-asma/autodiff";
import { AsmaError, type ErrorCode } from "@onnx-asma/core";
import { errorCodes } from "@onnx-asma/core/error-codes";
import { exitCodeOf } from "../packages/node/src/cli/exit-codes.ts";
import { sayFlags } from "../packages/node/src/cli/flag-words.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The sources of a package, tests left out. */
function sourcesOf(name: string): { readonly path: string; readonly text: string }[] {
  const folder = `${root}packages/${name}/`;
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /^(src|demo)\/.*\.ts$/.test(path) && !path.endsWith(".test.ts"))
    .map((path) => ({
      path: `${name}/${path}`,
      text: readFileSync(folder + path, "utf8"),
    }));
}

const rows = [
  ...readFileSync(`${root}docs/errors.md`, "utf8").matchAll(
    /^\| `(ERR_[A-Z_]+)` *\|[^|]+\|[^|]+\| *(\d) *\|$/gm,
  ),
].map(([, code, exit]) => ({ code: code as ErrorCode, exit: Number(exit) }));

describe("docs/errors.md", () => {
  it("has each code once, in order", () => {
    const codes = new Set([...errorCodes, ...autodiffErrorCodes]);
    expect(rows.map(({ code }) => code)).toEqual([...codes].toSorted());
  });

  it.each(rows)("gives the exit code of $code", ({ code, exit }) => {
    const error = autodiffErrorCodes.includes(code as AutodiffErrorCode)
      ? new AutodiffError(code as AutodiffErrorCode, "")
      : new AsmaError(code, "");
    expect(exitCodeOf(error)).toBe(exit);
  });
});

it.each([["core", "node", "web"].flatMap(sourcesOf), sourcesOf("autodiff")])(
  "throws listed codes only",
  (...sources) => {
    const thrown = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\b(new AsmaError|refusal|new AutodiffError)\(\s*"([^"]*)"/g)].map(
        ([, how, code]) => ({ path, how, code: code as string }),
      ),
    );
    expect(thrown.length).toBeGreaterThan(20);
    const unlisted = thrown.filter(({ how, code }) => {
      const listed: readonly string[] =
        how === "new AutodiffError" ? autodiffErrorCodes : errorCodes;
      return !listed.includes(code);
    });
    expect(unlisted).toEqual([]);
  },
);

it.each(["core", "autodiff"])("leaves flags of the command line to it, in %s", (name) => {
  const flags = sourcesOf(name).flatMap(({ path, text }) =>
    [...text.matchAll(/.*--[a-z].*/g)].map(([line]) => `${path}: ${line}`),
  );
  expect(flags).toEqual([]);
});

describe("options in messages", () => {
  it("are data of the error", () => {
    const { options } = new AsmaError(
      "ERR_OUTPUT",
      'Name one with `output`, for example `output: "scores"`, or say `trainingGraph.upstreamInput`.',
    );
    expect(options).toEqual(["output", "trainingGraph.upstreamInput"]);
  });

  it.each([
    ["say `outputKind`", "say --output-kind"],
    ['say `outputKind: "logit"`.', "say --output-kind logit."],
    ['take `output: "a name"`', "take --output 'a name'"],
    ['give `dims: {"image":[1,3,512,512]}`', "give --shape image=1,3,512,512"],
    ["correct `trainingGraph.gradientOutput`", "correct --gradient-output"],
    ["with `preprocessor: false`", "with --no-preprocessor"],
    ["pad by `padding: [1,2,3,4]`", "pad by --padding 1,2,3,4"],
    ["check with `onnx.checker`", "check with `onnx.checker`"],
    ["it says `key: no value`", "it says `key: no value`"],
  ])("%s", (text, said) => {
    expect(sayFlags(text)).toBe(said);
  });
});
