// Reads, resolves and differentiates every model named on stdin's lines; one JSON line each on stdout.
// A process of its own: a model that ends it is the last one announced.
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { AutodiffError, differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";
import * as ort from "onnxruntime-node";

const report = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

for await (const path of createInterface({ input: process.stdin })) {
  report({ path });
  try {
    const resolved = await resolve(await readModel(readFileSync(path)), ort);
    writeModel(differentiate(resolved).model, "embed");
    report({ path, outcome: "differentiated" });
  } catch (error) {
    const isOurs = error instanceof AutodiffError;
    report({
      path,
      outcome: isOurs ? error.code : "ESCAPED",
      message: isOurs ? error.message : error.stack,
    });
  }
}
