import { readFile } from "node:fs/promises";
import { type ClassList, type Preprocessor, refusal } from "@onnx-asma/core";
import {
  foreignContent,
  parsePreprocessor,
  readModelConfig,
  type ModelConfig,
} from "@onnx-asma/core/preprocessor";
import type { FileRecord } from "@onnx-asma/core/result-record";
import { fileRecordOf } from "./file-record.ts";
import { findBeside, type FileBeside } from "./find-beside.ts";

const fileName = "preprocessor_config.json";
const configName = "config.json";

/** Larger than any such file. */
const maxBytes = 1 << 22;

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
  return (await read(path, path, undefined)).preprocessor;
}

/**
 * Reads the `preprocessor_config.json` beside a model, or above it where the model lies in a folder
 * `onnx`, as repositories of such models are laid out; `undefined` when there is none.
 *
 * @throws AsmaError `ERR_PREPROCESSOR` for what cannot be honoured, by name
 */
export async function findPreprocessor(modelPath: string): Promise<Preprocessor | undefined> {
  return (await companionsOf(undefined, modelPath)).preprocessor?.preprocessor;
}

/** What was found beside a model. */
export interface Companions {
  readonly preprocessor: PreprocessorFile | undefined;
  /** Names of its classes. */
  readonly classList: ClassList | undefined;
}

/**
 * The preprocessor of a model as it was asked for: a path, one that was parsed before, `false` for none,
 * or `undefined` for the one beside the model; and the names of its classes in a `config.json` there.
 *
 * @param modelPath `undefined` for a model that did not come from a file
 * @throws AsmaError as {@link readPreprocessor}
 */
export async function companionsOf(
  given: string | Preprocessor | false | undefined,
  modelPath: string | undefined,
): Promise<Companions> {
  const { classList, processorType } = await findConfig(modelPath);
  const preprocessor =
    given === false
      ? undefined
      : typeof given === "object"
        ? { preprocessor: given, file: undefined }
        : typeof given === "string"
          ? await read(given, given, processorType)
          : await find(modelPath, processorType);
  return { preprocessor, classList };
}

async function find(
  modelPath: string | undefined,
  processorType: string | undefined,
): Promise<PreprocessorFile | undefined> {
  const file = modelPath === undefined ? undefined : await findBeside(modelPath, fileName);
  return file && parse(file, `${fileName} beside the model`, processorType);
}

async function findConfig(modelPath: string | undefined): Promise<Partial<ModelConfig>> {
  const file = modelPath === undefined ? undefined : await findBeside(modelPath, configName);
  const isRead = file !== undefined && file.bytes.length <= maxBytes;
  return isRead
    ? readModelConfig(file.bytes.toString("utf8"), `${configName} beside the model`)
    : {};
}

async function read(
  path: string,
  source: string,
  processorType: string | undefined,
): Promise<PreprocessorFile> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw refusal("ERR_FILE_NOT_FOUND", {
      expected: `a ${fileName} at '${path}'`,
      found: `it cannot be read (${cause.message})`,
      wayOut: "check the path",
      cause,
      details: { path },
    });
  });
  return parse({ path, bytes }, source, processorType);
}

function parse(
  { path, bytes }: FileBeside,
  source: string,
  processorType: string | undefined,
): PreprocessorFile {
  if (bytes.length > maxBytes) {
    throw refusal("ERR_PREPROCESSOR", {
      expected: `a ${fileName}`,
      found: `'${path}' holds ${bytes.length} bytes`,
      wayOut: "name another file, or leave it out with `preprocessor: false`",
    });
  }
  const foreign = foreignContent(bytes);
  if (foreign !== undefined) {
    throw refusal("ERR_PREPROCESSOR", {
      expected: `a ${fileName}`,
      found: `'${path}' is another file: ${foreign}`,
      wayOut: "name another file, or leave it out with `preprocessor: false`",
      details: { path },
    });
  }
  const preprocessor = parsePreprocessor(bytes.toString("utf8"), source, { processorType });
  return { preprocessor, file: fileRecordOf(path, bytes) };
}
