import type { Runtime } from "@onnx-asma/autodiff";
import { AsmaError, refusal } from "@onnx-asma/core";
// Both at once: workers that are bundled as one classic script, Vite's default, have no place for chunks.
import * as ortWasm from "onnxruntime-web/wasm";
import * as ortWebGpu from "onnxruntime-web/webgpu";
import { GpuDevice } from "./gpu-device.ts";
import type { Backend, Device, LoadRequest } from "../messages.ts";
import { checkWasmFiles, wasFetchedTwice, wasmFiles } from "./wasm-files.ts";

/** ONNX Runtime, and what it computes on. */
export interface LoadedRuntime {
  readonly runtime: Runtime;
  /** Version of onnxruntime-web. */
  readonly version: string;
  readonly backend: Backend;
  /** On WebGPU. */
  readonly gpu: GpuDevice | undefined;
}

type RuntimeRequest = Pick<LoadRequest, "device" | "threads" | "wasmPaths">;

/** The part of WebGPU that is needed to choose. */
interface Gpu {
  requestAdapter(): Promise<
    | {
        readonly info?: { readonly isFallbackAdapter?: boolean };
        readonly isFallbackAdapter?: boolean;
      }
    | null
    | undefined
  >;
}

/** More bring little, and a page is not alone on the machine. */
const mostThreads = 8;

/** The least that is a model (IR version 8, opset 13): no nodes, its input `x`, float[1], is its output. */
const leastModel = Uint8Array.from(
  atob("CAg6JRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXgSCgoICAESBAoCCAFCAhAN"),
  (character) => character.charCodeAt(0),
);

/**
 * Loads ONNX Runtime for the device asked for; where that is free and the GPU gives no device, for WebAssembly.
 *
 * @param onLost called when the GPU is lost
 * @throws AsmaError `ERR_DEVICE` when WebGPU is asked for and not to be had, `ERR_WASM_FILES`, `ERR_RUNTIME`,
 *   `ERR_OPTION`
 */
export async function loadRuntime(
  request: RuntimeRequest,
  onLost: (reason: string) => void,
): Promise<LoadedRuntime> {
  const lack = request.device === "wasm" ? undefined : await lackOfWebGpu(request.device);
  if (request.device === "wasm" || (request.device === "auto" && lack !== undefined)) {
    return await load(
      "wasm",
      request,
      lack === undefined ? [] : [`On WebAssembly, since ${lack}.`],
    );
  }
  if (lack !== undefined) {
    throw lacking(lack);
  }
  const loaded = await load("webgpu", request, []);
  try {
    const gpu = await GpuDevice.open(loaded.runtime, leastModel, onLost);
    return { ...loaded, gpu };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    // An exception of the runtime's own C++ code that nobody caught comes as a bare number.
    const reason = `WebGPU failed: ${/^\d+$/.test(text) ? "it gives no device" : text}`;
    if (request.device === "webgpu") {
      throw lacking(reason, cause);
    }
    return await load("wasm", request, [`On WebAssembly, since ${reason}.`]);
  }
}

function lacking(lack: string, cause?: unknown): AsmaError {
  return refusal("ERR_DEVICE", {
    expected: "WebGPU",
    found: lack,
    wayOut: "take the device 'wasm' or 'auto'",
    cause,
  });
}

async function load(
  device: Device,
  request: RuntimeRequest,
  notices: string[],
): Promise<LoadedRuntime> {
  const threads = countThreads(request.threads, notices);
  const files = wasmFiles(device, request.wasmPaths);
  const ort = device === "webgpu" ? ortWebGpu : ortWasm;
  ort.env.wasm.wasmPaths = files;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  try {
    // The runtime loads its files with the first session: here, while the model is on its way.
    const session = await ort.InferenceSession.create(leastModel, { executionProviders: ["wasm"] });
    await session.release();
  } catch (cause) {
    await checkWasmFiles(files);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsmaError("ERR_RUNTIME", `ONNX Runtime does not start: ${reason}.`, { cause });
  }
  if (wasFetchedTwice(files)) {
    notices.push(
      `ONNX Runtime was fetched twice: the server should give ${files.wasm} the content type 'application/wasm'.`,
    );
  }
  const notice = notices.length === 0 ? undefined : notices.join(" ");
  const { web = "unknown" } = ort.env.versions;
  return { runtime: ort, version: web, backend: { device, threads, notice }, gpu: undefined };
}

/** Why WebGPU cannot be used, if so. A software adapter is slower than WebAssembly: only on demand. */
async function lackOfWebGpu(device: "webgpu" | "auto"): Promise<string | undefined> {
  const { gpu } = navigator as unknown as { gpu?: Gpu };
  if (gpu === undefined) {
    return "this browser has no WebGPU";
  }
  const adapter = await gpu.requestAdapter().catch(() => undefined);
  if (adapter === null || adapter === undefined) {
    return "the browser gives no WebGPU adapter";
  }
  const isSoftware = adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
  return isSoftware && device === "auto" ? "the WebGPU adapter is a software one" : undefined;
}

function countThreads(asked: number | undefined, notices: string[]): number {
  if (asked !== undefined && !(Number.isInteger(asked) && asked >= 1)) {
    throw refusal("ERR_OPTION", {
      expected: "a positive integer for threads",
      found: `found ${asked}`,
      wayOut: "leave it out to use the processor's",
    });
  }
  if (!globalThis.crossOriginIsolated) {
    if (asked !== 1) {
      notices.push(
        "One thread only: the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp).",
      );
    }
    return 1;
  }
  return asked ?? Math.min(mostThreads, navigator.hardwareConcurrency || 1);
}
