import { AsmaError, type TrainingGraphOptions } from "@onnx-asma/core";
import type { FileSource, ModelFiles, TrainingGraphFiles } from "./messages.ts";

/** A file: its address (relative to the page), itself, or its bytes. */
export type FileInput = string | URL | Blob | Uint8Array;

/**
 * A model with the files that belong to it: its external data by the names under which it refers to them (or
 * as files of these names), and its `preprocessor_config.json` where it has one.
 */
export interface ModelWithData {
  readonly model: FileInput;
  readonly externalData: Readonly<Record<string, FileInput>> | readonly File[];
}

/** A model, alone or with its external data files. */
export type ModelSource = FileInput | ModelWithData;

/** A training graph of the model that another tool made, alone or with the names of its values. */
export type TrainingGraphSource =
  | FileInput
  | (Omit<TrainingGraphOptions, "model" | "target"> &
      Pick<ModelWithData, "model"> &
      Partial<ModelWithData>);

/**
 * Brings a model to a form that can be sent; bytes are copied once, the caller keeps its own.
 *
 * @param transfer what is to be moved, to which the copies are added
 */
export function toModelFiles(source: ModelSource, transfer: Transferable[]): ModelFiles {
  if (typeof source !== "object" || !("model" in source)) {
    return { model: toFile(source, transfer), externalData: {} };
  }
  const { externalData } = source;
  const data = Array.isArray(externalData)
    ? (externalData as readonly File[]).map((file) => [file.name, file] as const)
    : Object.entries(externalData as Readonly<Record<string, FileInput>>);
  return {
    model: toFile(source.model, transfer),
    externalData: Object.fromEntries(data.map(([name, file]) => [name, toFile(file, transfer)])),
  };
}

/** As {@link toModelFiles}, for a training graph. */
export function toTrainingGraphFiles(
  source: TrainingGraphSource,
  transfer: Transferable[],
): TrainingGraphFiles {
  if (typeof source !== "object" || !("model" in source)) {
    return toModelFiles(source, transfer);
  }
  const { model, externalData = {}, ...names } = source;
  return { ...names, ...toModelFiles({ model, externalData }, transfer) };
}

/** As {@link toModelFiles}, for one file. */
export function toFile(input: FileInput, transfer: Transferable[]): FileSource {
  if (typeof input === "string" || input instanceof URL) {
    return { url: new URL(input, globalThis.document?.baseURI ?? location.href).href };
  }
  if (input instanceof Blob) {
    return input;
  }
  if (input instanceof Uint8Array) {
    const copy = input.slice();
    transfer.push(copy.buffer as ArrayBuffer);
    return copy;
  }
  throw new AsmaError(
    "ERR_OPTION",
    "Expected a file as address, File, Blob or Uint8Array; a model alone or as { model, externalData }.",
  );
}
