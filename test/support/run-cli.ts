import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";

const bin = fileURLToPath(new URL("../../packages/onnx-asma/bin/onnx-asma.js", import.meta.url));

/** What a run of the command line came to. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link runCli}. */
export interface RunCliOptions {
  readonly cwd?: string;
  /** Sent as soon as stderr matches `when`. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly when: RegExp };
}

/** Runs the built `onnx-asma` in a process of its own. */
export async function runCli(
  args: readonly string[],
  { cwd, signal }: RunCliOptions = {},
): Promise<CliRun> {
  // One thread each: the files of a test suite run side by side.
  const threads = args[0] === "attack" && !args.includes("--threads") ? ["--threads", "1"] : [];
  const child = spawn(process.execPath, [bin, ...args, ...threads], {
    cwd,
    // vitest sets FORCE_COLOR where CI is set; the tests read plain text.
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr, isSent] = ["", "", false];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    if (signal !== undefined && !isSent && signal.when.test(stderr)) {
      isSent = true;
      child.kill(signal.name);
    }
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  return { code, stdout, stderr };
}

/** What `--json` puts on stdout when a command fails. */
export interface ErrorObject {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** Runs a command with `--json` and parses the one object on stdout. */
export async function runJson<T = ErrorObject>(
  args: readonly string[],
  options?: RunCliOptions,
): Promise<CliRun & { readonly object: T }> {
  const run = await runCli([...args, "--json"], options);
  return { ...run, object: JSON.parse(run.stdout) as T };
}

/**
 * Runs a command that has to fail: exit code, `code` and message on stderr, the same as one object on
 * stdout, no stack.
 *
 * @returns the message
 */
export async function expectFailure(
  args: readonly string[],
  expected: { readonly exit: number; readonly code: string },
  options?: RunCliOptions,
): Promise<string> {
  const { code, stderr, object } = await runJson(args, options);
  expect({ exit: code, code: object.error?.code }, stderr).toEqual(expected);
  expect(Object.keys(object)).toEqual(["error"]);
  expect(stderr).toContain(`${expected.code} ${object.error.message.split("\n")[0]}`);
  expect(stderr).not.toMatch(/^ +at /m);
  return object.error.message;
}

/** A folder of the running test that is removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "onnx-asma-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Saves a model in a folder of its own that is removed after the running test. */
export function saveModel(model: Uint8Array): { readonly folder: string; readonly path: string } {
  const folder = temporaryFolder();
  const path = join(folder, "model.onnx");
  writeFileSync(path, model);
  return { folder, path };
}

/** Names of the files of a result, `result.json` among them. */
export function filesOf({ files }: Pick<ResultRecord, "files">): string[] {
  return [...files.map(({ file }) => file), "result.json"].toSorted();
}

/** All names in a folder, hidden ones included. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder).toSorted();
}
