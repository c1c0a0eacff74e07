import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AsmaError, parsePreprocessor, type Preprocessor, refusal } from "@onnx-asma/core";

const fileName = "preprocessor_config.json";

/** Larger than any such file. */
const maxBytes = 1 << 20;

/**
 * Reads a Hugging Face `preprocessor_config.json`.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`; `ERR_PREPROCESSOR` for what cannot be honoured, by name
 */
export async function readPreprocessor(path: string, source = path): Promise<Preprocessor> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw refusal("ERR_FILE_NOT_FOUND", {
      expected: `a ${fileName} at '${path}'`,
      found: `it cannot be read (${cause.message})`,
      wayOut: "check the path",
      cause,
      details: { path },
    });
  });
  if (bytes.length > maxBytes) {
    throw refusal("ERR_PREPROCESSOR", {
      expected: `a ${fileName}`,
      found: `'${path}' holds ${bytes.length} bytes`,
      wayOut: `name another file, or leave it out with \`preprocessor: undefined\``,
    });
  }
  return parsePreprocessor(bytes.toString("utf8"), source);
}

/**
 * Reads the `preprocessor_config.json` beside a model, or above it where the model lies in a folder
 * `onnx`, as repositories of such models are laid out; `undefined` when there is none.
 *
 * @throws AsmaError `ERR_PREPROCESSOR` for what cannot be honoured, by name
 */
export async function findPreprocessor(modelPath: string): Promise<Preprocessor | undefined> {
  const folder = dirname(modelPath);
  const folders = basename(folder) === "onnx" ? [folder, dirname(folder)] : [folder];
  for (const candidate of folders) {
    const path = join(candidate, fileName);
    try {
      return await readPreprocessor(path, `${fileName} beside the model`);
    } catch (error) {
      if (!(error instanceof AsmaError && error.code === "ERR_FILE_NOT_FOUND")) {
        throw error;
      }
    }
  }
  return undefined;
}
