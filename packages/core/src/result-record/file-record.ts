import { sha256 } from "./sha-256.ts";

/** A file and what was in it, for records. */
export interface FileRecord {
  /** Its name without the folder; of external data as the model names it. */
  readonly file: string;
  /** SHA-256 of its content, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Records a file whose bytes are known. */
export async function fileRecordOf(file: string, bytes: Uint8Array): Promise<FileRecord> {
  return { file, sha256: await sha256(bytes) };
}
