import type { Backend } from "@onnx-asma/web";
import { element } from "./element.ts";

/** Says what computes. */
export function drawDevice({ device, threads, notice }: Backend): void {
  const name = device === "wasm" ? "WebAssembly" : "WebGPU";
  element("device").textContent = `${name}, ${threads} thread${threads === 1 ? "" : "s"}`;
  element("device-notice").textContent = notice ?? "";
}
