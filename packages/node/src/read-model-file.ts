import { open, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { Model } from "@onnx-asma/autodiff";
import { refusal, type AsmaError } from "@onnx-asma/core";
import { foreignFile, readModelOrSay } from "@onnx-asma/core/foreign-file";
import { fileOnDemand } from "./file-on-demand.ts";

/**
 * Reads a model from a path. External data are looked for beside the model only, symbolic links
 * included, and read when they are needed.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`, `ERR_FILE_NOT_READABLE` for a folder, `ERR_MODEL_UNREADABLE` for a file
 *   that is no model, with what it is; AutodiffError `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`
 */
export async function readModelFile(path: string): Promise<Model> {
  const bytes = await readWhole(path);
  const folder = await realpath(dirname(path));
  return await readModelOrSay(bytes, {
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

/** Most bytes that one file of Protocol Buffers, and one read, can have. */
const largest = 2 ** 31;

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw isFolder(path);
    }
    if (found.size >= largest) {
      throw await isTooLarge(path, found.size);
    }
    return await readFile(path);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause) || String(cause.code).startsWith("ERR_")) {
      throw cause;
    }
    throw refusal("ERR_FILE_NOT_FOUND", {
      expected: `an ONNX model at '${path}'`,
      found: cause.code === "ENOENT" ? "there is none" : `it cannot be read (${cause.message})`,
      wayOut: "check the path",
      cause,
      details: { path },
    });
  }
}

function isFolder(path: string): AsmaError {
  return refusal("ERR_FILE_NOT_READABLE", {
    expected: `an ONNX model at '${path}'`,
    found: "it is a folder",
    wayOut: "name the .onnx file, or convert what the folder holds (tf2onnx for a SavedModel)",
    details: { path },
  });
}

async function isTooLarge(path: string, size: number): Promise<AsmaError> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(1 << 16), 0, 1 << 16, 0);
    const foreign = foreignFile(buffer.subarray(0, bytesRead));
    const isModel = foreign?.is.startsWith("an ONNX model") !== false;
    return refusal("ERR_MODEL_UNREADABLE", {
      expected: `an ONNX model in '${basename(path)}'`,
      found: isModel ? `it has ${size} bytes, and no model can have 2 GiB` : `it is ${foreign.is}`,
      wayOut: isModel ? "save it with external data" : foreign.wayOut,
      details: { path, is: isModel ? undefined : foreign.is },
    });
  } finally {
    await file.close();
  }
}
