import { refusal } from "@onnx-asma/core";
import type { Device } from "../messages.ts";

/** Addresses of the two files that ONNX Runtime loads by itself. */
export interface WasmFiles {
  readonly mjs: string;
  readonly wasm: string;
}

/**
 * Addresses of ONNX Runtime's files for a device: where the bundler put them (Vite and webpack
 * resolve `new URL("…", import.meta.url)` and copy the file), or in the folder given.
 */
export function wasmFiles(device: Device, folder: string | undefined): WasmFiles {
  if (folder !== undefined) {
    const name = `ort-wasm-simd-threaded${device === "webgpu" ? ".asyncify" : ""}`;
    const at = (file: string) => new URL(file, folder.endsWith("/") ? folder : `${folder}/`).href;
    return { mjs: at(`${name}.mjs`), wasm: at(`${name}.wasm`) };
  }
  return device === "webgpu"
    ? {
        mjs: new URL("onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs", import.meta.url).href,
        wasm: new URL("onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm", import.meta.url).href,
      }
    : {
        mjs: new URL("onnxruntime-web/ort-wasm-simd-threaded.mjs", import.meta.url).href,
        wasm: new URL("onnxruntime-web/ort-wasm-simd-threaded.wasm", import.meta.url).href,
      };
}

/**
 * Looks at the first bytes of each file, so that why the runtime did not load is said in words. To be
 * asked only then: caches aside, it fetches the files once more.
 *
 * @throws AsmaError `ERR_WASM_FILES` when one is not there, is something else or has the wrong type
 */
export async function checkWasmFiles(files: WasmFiles): Promise<void> {
  await Promise.all([checkFile(files.wasm, isWasm), checkFile(files.mjs, isScript)]);
}

/** Whether the browser refused to compile the WebAssembly file as it came, so that the runtime asked for it again. */
export function wasFetchedTwice({ wasm }: WasmFiles): boolean {
  return performance.getEntriesByName(wasm).length > 1;
}

type Check = (type: string, start: Uint8Array) => string | undefined;

async function checkFile(url: string, check: Check): Promise<void> {
  let found: string | undefined;
  try {
    const response = await fetch(url);
    const reader = response.body?.getReader();
    const start = (await reader?.read())?.value ?? new Uint8Array(0);
    await reader?.cancel();
    found = response.ok
      ? check((response.headers.get("content-type") ?? "").toLowerCase(), start)
      : `the server answered ${response.status}`;
  } catch (cause) {
    found = cause instanceof Error ? cause.message : String(cause);
  }
  if (found !== undefined) {
    throw refusal("ERR_WASM_FILES", {
      expected: `a file of ONNX Runtime at ${url}`,
      found,
      wayOut: `serve onnxruntime-web's dist folder from this site and name it in \`wasmPaths\``,
      details: { url },
    });
  }
}

const isWasm: Check = (_, start) =>
  [0x00, 0x61, 0x73, 0x6d].every((byte, i) => start[i] === byte)
    ? undefined
    : `what came is no WebAssembly (it begins with ${hex(start)})${looksLikePage(start)}`;

const isScript: Check = (type, start) =>
  start[0] === 0x3c
    ? `what came is no script${looksLikePage(start)}`
    : /javascript|ecmascript/.test(type)
      ? undefined
      : `its content type is '${type || "none"}' where scripts need 'text/javascript'`;

function hex(start: Uint8Array): string {
  return [...start.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function looksLikePage(start: Uint8Array): string {
  return start[0] === 0x3c ? ", but a web page: the server answers so for files it lacks" : "";
}
