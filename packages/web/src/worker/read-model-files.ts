import type { Model } from "@onnx-asma/autodiff";
import { readModelOrSay } from "@onnx-asma/core/foreign-file";
import { readFile, type ReadFileOptions } from "./fetch-file.ts";
import type { FileSource, ModelFiles } from "../messages.ts";

/**
 * Reads a model and its external data, given by name or beside the model where that has an address.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND`, `ERR_MODEL_UNREADABLE` for a file that is no model, with what it is;
 *   AutodiffError `ERR_MODEL_UNREADABLE`, `ERR_EXTERNAL_DATA`
 */
export async function readModelFiles(
  { model, externalData }: ModelFiles,
  options: ReadFileOptions,
): Promise<Model> {
  return await readModelOrSay(await readFile(model, options), {
    location: nameOf(model),
    loadExternalData: async (name) =>
      await readFile(findExternalData(name, model, externalData), { cache: options.cache }),
  });
}

function nameOf(source: FileSource): string {
  const path =
    source instanceof File ? source.name : "url" in source ? new URL(source.url).pathname : "";
  return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)) || "model.onnx";
}

/** External data by their name, or beside a model that was fetched. */
function findExternalData(
  name: string,
  model: FileSource,
  given: Readonly<Record<string, FileSource>>,
): FileSource {
  const bare = name.slice(name.lastIndexOf("/") + 1);
  const source = [name, `./${name}`, bare].flatMap((key) =>
    Object.hasOwn(given, key) ? (given[key] as FileSource) : [],
  )[0];
  if (source !== undefined) {
    return source;
  }
  if ("url" in model) {
    return { url: new URL(name.split("/").map(encodeURIComponent).join("/"), model.url).href };
  }
  const found = Object.keys(given);
  throw new Error(
    found.length === 0
      ? "no data file was given with the model"
      : `only ${found.join(", ")} was given`,
  );
}
