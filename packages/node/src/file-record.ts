import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Model } from "@onnx-asma/autodiff";
import type { FileRecord } from "@onnx-asma/core/result-record";
import { readBytes } from "./images/read-bytes.ts";

/** So much of a file that is not in memory is hashed at a time. */
const chunk = 1 << 26;

/**
 * Records a file as it is now.
 *
 * @throws AsmaError ERR_FILE_NOT_FOUND, ERR_FILE_NOT_READABLE
 */
export async function recordFile(path: string): Promise<FileRecord> {
  return fileRecordOf(path, await readBytes(path));
}

/** Records a file whose bytes are known. */
export function fileRecordOf(path: string, bytes: Uint8Array): FileRecord {
  return { file: basename(path), sha256: createHash("sha256").update(bytes).digest("hex") };
}

/**
 * Records the files of a model: its own and those of external data, each as it was read.
 *
 * @throws an Error where a file that is read on demand became shorter
 */
export function recordModelFiles(model: Model): readonly [FileRecord, ...FileRecord[]] {
  const records = model.files.map((file): FileRecord => {
    const hash = createHash("sha256");
    if (file.onDemand === undefined) {
      hash.update(file.data);
    } else {
      const { size } = file.onDemand;
      for (let at = 0; at < size; at += chunk) {
        hash.update(file.onDemand.read(at, Math.min(chunk, size - at)));
      }
    }
    return { file: file.location, sha256: hash.digest("hex") };
  });
  return records as [FileRecord, ...FileRecord[]];
}
