import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { readModel, type Model } from "@onnx-asma/autodiff";
import { refusal } from "@onnx-asma/core";
import { fileOnDemand } from "./file-on-demand.ts";

/**
 * Reads a model from a path. External data are looked for beside the model only, symbolic links
 * included, and read when they are needed.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`; AutodiffError `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`
 */
export async function readModelFile(path: string): Promise<Model> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw refusal("ERR_FILE_NOT_FOUND", {
      expected: `an ONNX model at '${path}'`,
      found: `it cannot be read (${(cause as Error).message})`,
      wayOut: "check the path",
      cause,
      details: { path },
    });
  }
  const folder = await realpath(dirname(path));
  return await readModel(bytes, {
    location: basename(path),
    loadExternalData: async (location) => {
      const file = await realpath(join(folder, location));
      if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
        throw new Error("it is a link that leads outside the model's folder");
      }
      return fileOnDemand(file);
    },
  });
}
