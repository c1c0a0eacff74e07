import { ort } from "./onnxruntime.ts";
import type { SessionOptions } from "@onnx-asma/autodiff";
import { refusal } from "@onnx-asma/core";

/**
 * Checks the names of execution providers before a session is built with them.
 *
 * @throws AsmaError `ERR_PROVIDER` for one that this build of ONNX Runtime does not know
 */
export function checkProviders(options: SessionOptions | undefined): void {
  const known = ort.listSupportedBackends().map(({ name }) => name);
  for (const provider of options?.executionProviders ?? []) {
    const name = typeof provider === "string" ? provider : provider.name;
    if (!known.includes(name)) {
      throw refusal("ERR_PROVIDER", {
        expected: `execution providers among ${known.join(", ")}`,
        found: `found '${name}'`,
        wayOut: `correct \`executionProviders\`, or leave it out for the CPU`,
        details: { provider: name, known },
      });
    }
  }
}
