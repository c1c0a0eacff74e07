/**
 * Unpacks TIFF's LZW (codes of 9 to 12 bits, the highest bit first, widened one code early).
 *
 * @param length bytes to unpack at most; what follows is left
 * @returns what there was, `length` bytes or fewer
 * @throws RangeError for a code that cannot be, and for the order of bits of old files
 */
export function unpackLzw(packed: Uint8Array, length: number): Uint8Array {
  const [clear, end] = [256, 257];
  if (packed[0] === 0 && ((packed[1] as number) & 1) === 1) {
    throw new RangeError("its LZW is that of before 1988");
  }
  const prefix = new Uint16Array(4096);
  const suffix = Uint8Array.from({ length: 4096 }, (_, code) => code & 255);
  const depth = new Uint16Array(4096).fill(1);
  const out = new Uint8Array(length);
  let [filled, next, width, previous] = [0, 258, 9, -1];
  let [at, bits, held] = [0, 0, 0];
  while (filled < length) {
    while (held < width) {
      if (at >= packed.length) return out.subarray(0, filled);
      bits = ((bits << 8) | (packed[at++] as number)) & 0xff_ff_ff;
      held += 8;
    }
    const code = (bits >> (held - width)) & ((1 << width) - 1);
    held -= width;
    if (code === end) break;
    if (code === clear) {
      [next, width, previous] = [258, 9, -1];
      continue;
    }
    if (code > next || (code === next && previous < 0) || (previous < 0 && code > end)) {
      throw new RangeError("a code of its LZW is out of range");
    }
    // A code that is not there yet is the previous string with its own first byte behind it.
    const known = code === next ? previous : code;
    const count = depth[known] as number;
    let [string, place] = [known, filled + count - 1];
    let first = suffix[known] as number;
    for (; place >= filled; place--) {
      first = suffix[string] as number;
      if (place < length) out[place] = first;
      string = prefix[string] as number;
    }
    filled += count;
    if (code === next && filled < length) out[filled] = first;
    if (code === next) filled += 1;
    if (previous >= 0 && next < 4096) {
      prefix[next] = previous;
      suffix[next] = first;
      depth[next] = (depth[previous] as number) + 1;
      next += 1;
      if (next + 1 >= 1 << width && width < 12) width += 1;
    }
    previous = code;
  }
  return out.subarray(0, Math.min(filled, length));
}
