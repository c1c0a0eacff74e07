import { stripVTControlCharacters } from "node:util";
import { vi } from "vitest";
import { main } from "../../packages/node/src/cli/main.ts";
import type { CliRun } from "./run-cli.ts";

/** Runs the command line in this process, which is faster than one of its own. */
export async function runMain(args: readonly string[]): Promise<CliRun> {
  const texts = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      // Colours come and go with the terminal.
      texts[name] += stripVTControlCharacters(String(text));
      return true;
    }),
  );
  try {
    return { code: await main(args), ...texts };
  } finally {
    spies.forEach((spy) => spy.mockRestore());
  }
}
