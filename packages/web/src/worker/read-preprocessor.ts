import type { Preprocessor } from "@onnx-asma/core";
import { parsePreprocessor } from "@onnx-asma/core/preprocessor";
import { readFile, type ReadFileOptions } from "./fetch-file.ts";
import type { FileSource, LoadRequest } from "../messages.ts";

const fileName = "preprocessor_config.json";

type Request = Pick<LoadRequest, "model" | "externalData" | "preprocessor">;

/**
 * What says how the model's images are prepared: as told; otherwise a `preprocessor_config.json` among the
 * model's files, or beside a model that has an address, or above it where it lies in a folder `onnx`.
 *
 * @throws AsmaError `ERR_PREPROCESSOR` for what cannot be honoured, by name; `ERR_FILE_NOT_FOUND` for a file
 *   that was named
 */
export async function readPreprocessor(
  { model, externalData, preprocessor }: Request,
  { cache }: ReadFileOptions,
): Promise<Preprocessor | undefined> {
  if (preprocessor === false) {
    return undefined;
  }
  if (preprocessor !== undefined) {
    return "file" in preprocessor
      ? await read(preprocessor.file, nameOf(preprocessor.file), cache)
      : parsePreprocessor(preprocessor.text, preprocessor.source, preprocessor);
  }
  const given = externalData[fileName];
  if (given !== undefined) {
    return await read(given, fileName, cache);
  }
  for (const url of "url" in model ? addressesBeside(model.url) : []) {
    const found = await readIfThere(url, cache);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

async function read(file: FileSource, source: string, cache: boolean): Promise<Preprocessor> {
  return parsePreprocessor(new TextDecoder().decode(await readFile(file, { cache })), source);
}

/** Most models have none. */
async function readIfThere(url: string, cache: boolean): Promise<Preprocessor | undefined> {
  const bytes = await readFile({ url }, { cache }).catch((error: { readonly code?: unknown }) => {
    if (error.code !== "ERR_FILE_NOT_FOUND") {
      throw error;
    }
    return undefined;
  });
  return bytes && (await read(bytes, `${fileName} beside the model`, cache));
}

function addressesBeside(model: string): string[] {
  const { protocol, pathname } = new URL(model);
  if (protocol !== "http:" && protocol !== "https:") {
    return [];
  }
  const isInOnnx = /\/onnx\/[^/]*$/.test(pathname);
  return [fileName, ...(isInOnnx ? [`../${fileName}`] : [])].map(
    (path) => new URL(path, model).href,
  );
}

function nameOf(file: FileSource): string {
  return file instanceof File ? file.name : "url" in file ? file.url : fileName;
}
