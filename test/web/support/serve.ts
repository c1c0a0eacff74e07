import { readFile, stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** How the server differs from a good one. */
export interface ServeOptions {
  /** Headers of cross-origin isolation. @default true */
  readonly isolated?: boolean;
  /** Headers on top. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers in place of a file; `undefined` leaves it as it is. */
  readonly intercept?: (path: string, response: ServerResponse) => true | undefined;
}

/** A site on a free port of this machine. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves folders; the first that has a file wins. */
export async function serve(folders: readonly string[], options: ServeOptions = {}): Promise<Site> {
  const { isolated = true, headers = {}, intercept } = options;
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname));
    if (isolated) {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, value);
    }
    if (intercept?.(path, response)) {
      return;
    }
    const file = await find(folders, path.endsWith("/") ? `${path}index.html` : path);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const bytes = await readFile(file);
    response
      .writeHead(200, {
        "content-type": types[extname(file)] ?? "application/octet-stream",
        "content-length": bytes.length,
      })
      .end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function find(folders: readonly string[], path: string): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, path);
    const isFile = await stat(file).then(
      (s) => s.isFile(),
      () => false,
    );
    if (isFile) {
      return file;
    }
  }
  return undefined;
}
