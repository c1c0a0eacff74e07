// What the tests call through page.evaluate.
import * as onnxAsma from "@onnx-asma/web";

const createOwnWorker = (): Worker =>
  new Worker(new URL("./own-worker.ts", import.meta.url), { type: "module" });

Object.assign(globalThis, { onnxAsma, createOwnWorker });
