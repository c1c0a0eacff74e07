import { AsmaError, refusal } from "@onnx-asma/core";
import type { FileSource } from "../messages.ts";

const cacheName = "onnx-asma-models";

/** Options of {@link readFile}. */
export interface ReadFileOptions {
  /** Whether fetched files are kept in the browser's Cache Storage, and taken from there. */
  readonly cache: boolean;
  /** Told how many bytes have come, and of how many where that is known. */
  readonly onProgress?: (loaded: number, total: number | undefined) => void;
}

/**
 * Bytes of a file from wherever it is.
 *
 * @throws AsmaError `ERR_FILE_NOT_FOUND` when the server does not have it or cannot be reached
 */
export async function readFile(source: FileSource, options: ReadFileOptions): Promise<Uint8Array> {
  if (source instanceof Uint8Array) {
    return source;
  }
  if (source instanceof Blob) {
    return new Uint8Array(await source.arrayBuffer());
  }
  const response = await fetchResponse(source.url, options.cache);
  const type = response.headers.get("content-type") ?? "";
  if (/^text\/html\b/.test(type)) {
    throw notFound(source.url, "the server answered with a web page");
  }
  return await readBody(response, options.onProgress);
}

async function fetchResponse(url: string, useCache: boolean): Promise<Response> {
  // Cache Storage exists in secure contexts only.
  const store = useCache && "caches" in globalThis ? await caches.open(cacheName) : undefined;
  const known = await store?.match(url);
  if (known !== undefined) {
    return known;
  }
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw notFound(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!response.ok) {
    throw notFound(url, `the server answered ${response.status} ${response.statusText}`.trim());
  }
  if (store !== undefined && !/^text\/html\b/.test(response.headers.get("content-type") ?? "")) {
    // A full disk is no reason to fail.
    await store.put(url, response.clone()).catch(() => undefined);
  }
  return response;
}

async function readBody(
  response: Response,
  onProgress: ReadFileOptions["onProgress"],
): Promise<Uint8Array> {
  const encoded = response.headers.has("content-encoding");
  const length = Number(response.headers.get("content-length"));
  const total = length > 0 && !encoded ? length : undefined;
  const reader = response.body?.getReader();
  if (reader === undefined) {
    return new Uint8Array(await response.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    chunks.push(value);
    loaded += value.length;
    onProgress?.(loaded, total);
  }
  const bytes = new Uint8Array(loaded);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function notFound(url: string, reason: string, cause?: unknown): AsmaError {
  return refusal("ERR_FILE_NOT_FOUND", {
    expected: `a file at ${url}`,
    found: reason,
    wayOut: "check the address",
    cause,
    details: { url },
  });
}
