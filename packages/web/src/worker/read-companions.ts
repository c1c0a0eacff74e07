import type { ClassList, Preprocessor } from "@onnx-asma/core";
import { parsePreprocessor, readModelConfig, type ModelConfig } from "@onnx-asma/core/preprocessor";
import { readFile, type ReadFileOptions } from "./fetch-file.ts";
import type { FileSource, LoadRequest } from "../messages.ts";

const fileName = "preprocessor_config.json";
const configName = "config.json";

type Request = Pick<LoadRequest, "model" | "externalData" | "preprocessor">;

/** What came with a model. */
export interface Companions {
  readonly preprocessor: Preprocessor | undefined;
  /** Names of its classes. */
  readonly classList: ClassList | undefined;
}

/**
 * What says how the model's images are prepared: as told; otherwise a `preprocessor_config.json` among the
 * model's files, or beside a model that has an address, or above it where it lies in a folder `onnx`. Names of
 * classes are those of a `config.json` among the files, or beside a `preprocessor_config.json` that was found.
 *
 * @throws AsmaError `ERR_PREPROCESSOR` for what cannot be honoured, by name; `ERR_FILE_NOT_FOUND` for a file
 *   that was named
 */
export async function readCompanions(
  { model, externalData, preprocessor }: Request,
  { cache }: ReadFileOptions,
): Promise<Companions> {
  const config = await readConfig(externalData[configName], cache);
  if (preprocessor === false) {
    return { preprocessor: undefined, classList: config?.classList };
  }
  if (preprocessor !== undefined) {
    const { text, source, processorType } =
      "file" in preprocessor
        ? {
            text: await textOf(preprocessor.file, cache),
            source: nameOf(preprocessor.file),
            processorType: config?.processorType,
          }
        : preprocessor;
    return {
      preprocessor: parsePreprocessor(text, source, { processorType }),
      classList: config?.classList,
    };
  }
  const given = externalData[fileName];
  if (given !== undefined) {
    const text = await textOf(given, cache);
    return {
      preprocessor: parsePreprocessor(text, fileName, { processorType: config?.processorType }),
      classList: config?.classList,
    };
  }
  for (const url of "url" in model ? addressesBeside(model.url) : []) {
    const text = await textIfThere(url, cache);
    if (text !== undefined) {
      const found = config ?? (await readConfig({ url: new URL(configName, url).href }, cache));
      const { processorType } = found ?? {};
      return {
        preprocessor: parsePreprocessor(text, `${fileName} beside the model`, { processorType }),
        classList: found?.classList,
      };
    }
  }
  return { preprocessor: undefined, classList: config?.classList };
}

async function readConfig(
  file: FileSource | undefined,
  cache: boolean,
): Promise<ModelConfig | undefined> {
  if (file === undefined) {
    return undefined;
  }
  const text = "url" in file ? await textIfThere(file.url, cache) : await textOf(file, cache);
  return text === undefined ? undefined : readModelConfig(text, configName);
}

async function textOf(file: FileSource, cache: boolean): Promise<string> {
  return new TextDecoder().decode(await readFile(file, { cache }));
}

/** Most models have none. */
async function textIfThere(url: string, cache: boolean): Promise<string | undefined> {
  return await textOf({ url }, cache).catch((error: { readonly code?: unknown }) => {
    if (error.code !== "ERR_FILE_NOT_FOUND") {
      throw error;
    }
    return undefined;
  });
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
