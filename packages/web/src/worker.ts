/**
 * The module of the worker, for workers of one's own: whatever attacks they register can be chosen on the
 * page by name.
 *
 * @example
 * // my-worker.js, made by createWorker: () => new Worker(new URL("./my-worker.js", import.meta.url), { type: "module" })
 * import { registerAttack } from "@onnx-asma/web/worker";
 * import { mine } from "./mine.js";
 * registerAttack(mine);
 *
 * @module
 */
import "./worker/attack-worker.ts";

export * from "@onnx-asma/core";
