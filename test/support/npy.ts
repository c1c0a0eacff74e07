import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes an array as `.npy`, without the packages under test. */
export function writeNpyFile(
  folder: string,
  name: string,
  data: Float32Array | Uint8Array | Uint16Array,
  dims: readonly number[],
): string {
  const descr = data instanceof Uint8Array ? "|u1" : data instanceof Uint16Array ? "<u2" : "<f4";
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const header = Buffer.from(`${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`);
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(header.length, 8);
  const path = join(folder, name);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(path, Buffer.concat([start, header, body]));
  return path;
}
