import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AsmaError, parsePreprocessor, type Preprocessor, refusal } from "@onnx-asma/core";
import { fileRecordOf, type FileRecord } from "./file-record.ts";

const fileName = "preprocessor_config.json";

/** Larger than any such file. */
const maxBytes = 1 << 20;

/** A preprocessor, and the file that it was read from, if it was. */
export interface PreprocessorFile {
  readonly preprocessor: Preprocessor;
  readonly file: FileRecord | undefined;
}

/**
 * Reads a Hugging Face `preprocessor_config.json`.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`; `ERR_PREPROCESSOR` for what cannot be honoured, by name
 */
export async function readPreprocessor(path: string): Promise<Preprocessor> {
  return (await read(path, path)).preprocessor;
}

/**
 * Reads the `preprocessor_config.json` beside a model, or above it where the model lies in a folder
 * `onnx`, as repositories of such models are laid out; `undefined` when there is none.
 *
 * @throws AsmaError `ERR_PREPROCESSOR` for what cannot be honoured, by name
 */
export async function findPreprocessor(modelPath: string): Promise<Preprocessor | undefined> {
  return (await find(modelPath))?.preprocessor;
}

/**
 * The preprocessor of a model as it was asked for: a path, one that was parsed before, `false` for none,
 * or `undefined` for the one beside the model.
 *
 * @param modelPath `undefined` for a model that did not come from a file
 * @throws AsmaError as {@link readPreprocessor}
 */
export async function preprocessorOf(
  given: string | Preprocessor | false | undefined,
  modelPath: string | undefined,
): Promise<PreprocessorFile | undefined> {
  if (given === undefined) {
    return modelPath === undefined ? undefined : await find(modelPath);
  }
  if (typeof given === "string") {
    return await read(given, given);
  }
  return given === false ? undefined : { preprocessor: given, file: undefined };
}

async function find(modelPath: string): Promise<PreprocessorFile | undefined> {
  const folder = dirname(modelPath);
  const folders = basename(folder) === "onnx" ? [folder, dirname(folder)] : [folder];
  for (const candidate of folders) {
    const path = join(candidate, fileName);
    try {
      return await read(path, `${fileName} beside the model`);
    } catch (error) {
      if (!(error instanceof AsmaError && error.code === "ERR_FILE_NOT_FOUND")) {
        throw error;
      }
    }
  }
  return undefined;
}

async function read(path: string, source: string): Promise<PreprocessorFile> {
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
  const preprocessor = parsePreprocessor(bytes.toString("utf8"), source);
  return { preprocessor, file: fileRecordOf(path, bytes) };
}
