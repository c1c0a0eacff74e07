import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { refusal } from "@onnx-asma/core";

/** Ways of taking one attack step in PyTorch; see torch_step.py. */
export type TorchVariant = "reference" | "input_gradient" | "channels_last";

/** A Python process that takes steps of the paper's U-Net in PyTorch, one at a time. */
export class TorchSteps {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** @throws AsmaError `ERR_TORCH` when Python or PyTorch is missing */
  static async start(): Promise<TorchSteps> {
    const script = fileURLToPath(new URL("../../src/bench/torch_step.py", import.meta.url));
    const child = spawn(process.env["PYTHON"] ?? "python3", [script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const failed = once(child, "error").then(([error]) => error as Error);
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
    const first = await Promise.race([lines.next(), failed]);
    if (first instanceof Error || first.value !== "ready") {
      throw refusal("ERR_TORCH", {
        expected: "python3 with PyTorch for --torch",
        found: "it does not start",
        wayOut: "pip install torch==2.13.0, or set PYTHON",
      });
    }
    return new TorchSteps(child, lines);
  }

  /** Seconds of one step. */
  async step(variant: TorchVariant): Promise<number> {
    this.#child.stdin?.write(`${variant}\n`);
    return Number((await this.#lines.next()).value);
  }

  stop(): void {
    this.#child.stdin?.end();
  }
}
