import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ort } from "./onnxruntime.ts";
import type { SessionOptions } from "@onnx-asma/autodiff";
import { refusal } from "@onnx-asma/core";

/**
 * Checks the execution providers before a session is built with them.
 *
 * @throws AsmaError `ERR_PROVIDER` for one that this build of ONNX Runtime does not know, or whose library is not
 *   installed
 */
export function checkProviders(options: SessionOptions | undefined): void {
  const backends = ort.listSupportedBackends();
  const known = backends.map(({ name }) => name);
  for (const provider of options?.executionProviders ?? []) {
    const name = typeof provider === "string" ? provider : provider.name;
    const backend = backends.find((each) => each.name === name);
    if (backend === undefined) {
      throw refusal("ERR_PROVIDER", {
        expected: `execution providers among ${known.join(", ")}`,
        found: `found '${name}'`,
        wayOut: `correct \`executionProviders\`, or leave it out for the CPU`,
        details: { provider: name, known },
      });
    }
    const library = libraryOf(name);
    if (!backend.bundled && isMissing(library)) {
      throw refusal("ERR_PROVIDER", {
        expected: `the execution provider '${name}' to be installed`,
        found: `onnxruntime-node has no '${library}' here`,
        wayOut:
          "install onnxruntime-node again on a machine with CUDA 12, without ONNXRUNTIME_NODE_INSTALL=skip, or leave `executionProviders` out for the CPU",
        details: { provider: name, library },
      });
    }
  }
}

/** The library of a provider that does not come with the package. */
function libraryOf(name: string): string {
  return process.platform === "win32"
    ? `onnxruntime_providers_${name}.dll`
    : `libonnxruntime_providers_${name}.so`;
}

/** Whether a library does not lie where the package's own do; what lies elsewhere only the runtime knows. */
function isMissing(library: string): boolean {
  const { resolve } = createRequire(import.meta.url);
  const bin = join(dirname(resolve("onnxruntime-node/package.json")), "bin");
  const { platform, arch } = process;
  const folders = (existsSync(bin) ? readdirSync(bin) : [])
    .map((version) => join(bin, version, platform, arch))
    .filter((folder) => existsSync(folder));
  return folders.length > 0 && !folders.some((folder) => existsSync(join(folder, library)));
}
