import { downloadZip } from "client-zip";

/** One zip of files, not compressed: pictures are already. */
export async function zipOf(files: ReadonlyMap<string, Uint8Array>): Promise<Blob> {
  const entries = [...files].map(([name, bytes]) => ({ name, input: Uint8Array.from(bytes) }));
  return await downloadZip(entries).blob();
}
