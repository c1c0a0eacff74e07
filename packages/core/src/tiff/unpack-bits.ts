/**
 * Unpacks PackBits: runs of a byte, and bytes as they are.
 *
 * @param length bytes to unpack at most; what follows is left
 * @returns what there was, `length` bytes or fewer
 */
export function unpackBits(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let [at, filled] = [0, 0];
  while (filled < length && at < packed.length) {
    const head = packed[at++] as number;
    if (head === 128) continue;
    if (head < 128) {
      const bytes = packed.subarray(at, Math.min(at + head + 1, at + length - filled));
      out.set(bytes, filled);
      filled += bytes.length;
      at += head + 1;
    } else if (at < packed.length) {
      const end = Math.min(length, filled + 257 - head);
      out.fill(packed[at++] as number, filled, end);
      filled = end;
    }
  }
  return out.subarray(0, filled);
}
