import type { Page } from "playwright-core";
import type { OperatorGraph } from "../../support/operator-graph.ts";
import { openPage, type OpenPage } from "./open-page.ts";

/** Where ONNX Runtime computes. */
export type Device = "wasm" | "webgpu";

/** What came out of a graph in the browser. */
export interface Answer {
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Operators that the runtime left to the CPU. */
  readonly onCpu: readonly string[];
}

const runtime = new URL("../../../packages/web/node_modules/onnxruntime-web/dist", import.meta.url)
  .pathname;

/** The parts of ONNX Runtime that the page's function uses. */
interface Ort {
  readonly env: { wasm: { wasmPaths: string; numThreads: number }; logLevel: string };
  readonly Tensor: new (dtype: string, data: unknown, dims: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{
      run(
        feeds: Record<string, unknown>,
      ): Promise<Record<string, { data: ArrayLike<number | bigint> }>>;
      release(): Promise<void>;
    }>;
  };
}

/** A page with ONNX Runtime alone. What the runtime writes to the console is kept in `lines`. */
async function openRuntime(device: Device): Promise<OpenPage> {
  const opened = await openPage({ gpu: device === "webgpu", folders: [runtime] });
  const { page } = opened;
  await page.evaluate(() => {
    const lines: string[] = [];
    const keep = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
    Object.assign(globalThis, { lines });
    Object.assign(console, { log: keep, info: keep, debug: keep, warn: keep, error: keep });
  });
  const content = `import * as ort from "/ort.${device}.min.mjs"; globalThis.ort = ort;`;
  await page.addScriptTag({ type: "module", content });
  await page.waitForFunction(() => "ort" in globalThis);
  return opened;
}

/** Runs one graph; the placement of its nodes is read from the runtime's own log. */
async function runInPage(
  page: Page,
  device: Device,
  bytes: Uint8Array,
  feeds: OperatorGraph["feeds"],
): Promise<Answer> {
  const sent = Object.entries(feeds).map(([name, { dtype, dims, data }]) => ({
    name,
    dtype,
    dims,
    data: Array.from(data as ArrayLike<number | bigint>, String),
  }));
  const { lines, outputs } = await page.evaluate(
    async ({ device, base64, sent }) => {
      const { ort, lines } = globalThis as unknown as { ort: Ort; lines: string[] };
      lines.length = 0;
      ort.env.wasm.wasmPaths = "/";
      ort.env.wasm.numThreads = 1;
      ort.env.logLevel = "verbose";
      const arrays = {
        float32: Float32Array,
        float64: Float64Array,
        int32: Int32Array,
        bool: Uint8Array,
      };
      const feeds = sent.map(({ name, dtype, dims, data }) => {
        const values =
          dtype === "int64"
            ? BigInt64Array.from(data.map((value) => BigInt(value)))
            : arrays[dtype].from(data.map(Number));
        return [name, new ort.Tensor(dtype, values, dims)] as const;
      });
      const model = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [device],
        logSeverityLevel: 0,
      });
      try {
        const results = await session.run(Object.fromEntries(feeds));
        const outputs = Object.entries(results).map(
          ([name, { data }]) => [name, Array.from(data, Number)] as const,
        );
        return { lines: [...lines], outputs };
      } finally {
        await session.release();
      }
    },
    { device, base64: Buffer.from(bytes).toString("base64"), sent },
  );
  return {
    outputs: Object.fromEntries(outputs),
    onCpu: device === "webgpu" ? placedOnCpu(lines) : [],
  };
}

/** Types of the nodes that the log of a session says to be on the CPU. */
function placedOnCpu(lines: readonly string[]): string[] {
  const from = lines.findLastIndex((line) => /Node placements/.test(line));
  if (from < 0) {
    throw new Error("The runtime did not say where its nodes are.");
  }
  const found = new Set<string>();
  let isCpu = false;
  for (const line of lines.slice(from + 1)) {
    const provider = /placed on \[(\w+)\]/.exec(line)?.[1];
    if (provider !== undefined) {
      isCpu = provider === "CPUExecutionProvider";
    }
    const opType = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/.exec(line)?.[1];
    if (isCpu && opType !== undefined && !opType.startsWith("Memcpy")) {
      found.add(opType);
    }
  }
  return [...found].toSorted();
}

/** Runs graphs one after the other, in a fresh browser whenever one was the browser's end. */
export class OperatorRunner {
  readonly #device: Device;
  #opened: OpenPage | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  /** @throws whatever the runtime says, or that the browser crashed or gave no answer */
  async run(bytes: Uint8Array, feeds: OperatorGraph["feeds"]): Promise<Answer> {
    this.#opened ??= await openRuntime(this.#device);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer within a minute")), 60_000);
    });
    try {
      return await Promise.race([
        runInPage(this.#opened.page, this.#device, bytes, feeds),
        tooLate,
      ]);
    } catch (error) {
      // After a failure the runtime, or the GPU, may not be what it was.
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.close().catch(() => undefined);
  }
}
