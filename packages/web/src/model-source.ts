import { AsmaError } from "@onnx-asma/core";
import type { FileSource } from "./worker/messages.ts";

/** A file: its address (relative to the page), itself, or its bytes. */
export type FileInput = string | URL | Blob | Uint8Array;

/** A model, alone or with its external data files by the names under which it refers to them. */
export type ModelSource =
  | FileInput
  | { readonly model: FileInput; readonly externalData: Readonly<Record<string, FileInput>> };

/** A model's files as they cross to the worker. */
export interface ModelFiles {
  readonly model: FileSource;
  readonly externalData: Readonly<Record<string, FileSource>>;
}

/** Brings a model to a form that can be sent; bytes are copied once, the caller keeps its own. */
export function toModelFiles(source: ModelSource): { files: ModelFiles; transfer: Transferable[] } {
  const transfer: Transferable[] = [];
  const toFile = (input: FileInput): FileSource => {
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
      "Expected a model as address, File, Blob or Uint8Array, alone or as { model, externalData }.",
    );
  };
  const isPair = typeof source === "object" && "model" in source && "externalData" in source;
  const files = isPair
    ? {
        model: toFile(source.model),
        externalData: Object.fromEntries(
          Object.entries(source.externalData).map(([name, file]) => [name, toFile(file)]),
        ),
      }
    : { model: toFile(source as FileInput), externalData: {} };
  return { files, transfer };
}
