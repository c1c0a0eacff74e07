import type { ClassList, Preprocessor } from "@onnx-asma/core";
import { parsePreprocessor, readModelConfig, type ModelConfig } from "@onnx-asma/core/preprocessor";
import { readFile, type ReadFileOptions } from "./fetch-file.ts";
import type { FileSource, LoadRequest } from "../messages.ts";

const fileName = "preprocessor_config.json";
const configName = "config.json";

type Request = Pick<LoadRequest, "model" | "externalData" | "preprocessor">;

/** A file that came with a model. */
export interface ReadCompanion {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What came with a model. */
export interface Companions {
  readonly preprocessor: Preprocessor | undefined;
  /** The file that it was read from, if it was. */
  readonly preprocessorFile?: ReadCompanion | undefined;
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
  if (preprocessor !== undefined && !("file" in preprocessor)) {
    const { text, source, processorType } = preprocessor;
    return {
      preprocessor: parsePreprocessor(text, source, { processorType }),
      classList: config?.classList,
    };
  }
  const given = preprocessor?.file ?? externalData[fileName];
  if (given !== undefined) {
    const source = preprocessor === undefined ? fileName : nameOf(given);
    return companionsOf(await readFile(given, { cache }), source, config);
  }
  for (const url of "url" in model ? addressesBeside(model.url) : []) {
    const bytes = await bytesIfThere(url, cache);
    if (bytes !== undefined) {
      const found = config ?? (await readConfig({ url: new URL(configName, url).href }, cache));
      return companionsOf(bytes, `${fileName} beside the model`, found);
    }
  }
  return { preprocessor: undefined, classList: config?.classList };
}

function companionsOf(
  bytes: Uint8Array,
  source: string,
  config: ModelConfig | undefined,
): Companions {
  const { classList, processorType } = config ?? {};
  const text = new TextDecoder().decode(bytes);
  const name = source.endsWith(".json") ? source.slice(source.lastIndexOf("/") + 1) : fileName;
  return {
    preprocessor: parsePreprocessor(text, source, { processorType }),
    preprocessorFile: { name, bytes },
    classList,
  };
}

async function readConfig(
  file: FileSource | undefined,
  cache: boolean,
): Promise<ModelConfig | undefined> {
  if (file === undefined) {
    return undefined;
  }
  const bytes =
    "url" in file ? await bytesIfThere(file.url, cache) : await readFile(file, { cache });
  return bytes === undefined
    ? undefined
    : readModelConfig(new TextDecoder().decode(bytes), configName);
}

/** Most models have none. */
async function bytesIfThere(url: string, cache: boolean): Promise<Uint8Array | undefined> {
  return await readFile({ url }, { cache }).catch((error: { readonly code?: unknown }) => {
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
