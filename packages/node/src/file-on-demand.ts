import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { FileOnDemand } from "@onnx-asma/autodiff";

/** More than this is not read at once: the system's limit is just below 2 GiB. */
const largestRead = 2 ** 30;

/**
 * A file of any size whose parts are read when they are asked for.
 *
 * @throws what `node:fs` throws where it cannot be read, and an Error where it became shorter
 */
export function fileOnDemand(path: string): FileOnDemand {
  closeSync(openSync(path, "r"));
  const found = statSync(path);
  if (found.isDirectory()) {
    throw new Error("it is a folder");
  }
  return {
    size: found.size,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      const file = openSync(path, "r");
      try {
        for (let done = 0; done < length;) {
          const wanted = Math.min(largestRead, length - done);
          const count = readSync(file, bytes, done, wanted, offset + done);
          if (count === 0) {
            throw new Error(`'${path}' became shorter while it was read`);
          }
          done += count;
        }
      } finally {
        closeSync(file);
      }
      return bytes;
    },
  };
}
