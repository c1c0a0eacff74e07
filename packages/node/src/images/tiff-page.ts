/** Tags that say how the pixels of a page are stored; every other tag is hidden from the decoder. */
const pixelTags = new Set([
  256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339,
  347,
]);

/** Bytes of one value of each TIFF type, by its number. */
const typeSizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/**
 * Reduces a TIFF, in place, to the first page's pixels: further pages and directories (which could run
 * in a circle), metadata, and values that claim to be longer than the file are hidden.
 *
 * @throws RangeError when the directory ends outside the file or asks for an absurd pixel or tile size.
 */
export function keepFirstPage(bytes: Buffer): void {
  const little = bytes[0] === 0x49;
  const u16 = (at: number): number => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const start = u32(4);
  const end = start + 2 + 12 * u16(start);
  const first = new Map<number, number>();
  for (let at = start + 2; at < end; at += 12) {
    const [tag, type, count] = [u16(at), u16(at + 2), u32(at + 4)];
    const length = (typeSizes[type] ?? 0) * count;
    const fits = length > 0 && (length <= 4 || u32(at + 8) + length <= bytes.length);
    if (pixelTags.has(tag) && fits) {
      if (length <= 4) first.set(tag, type === 3 ? u16(at + 8) : u32(at + 8));
      continue;
    }
    // A private tag that holds one byte; decoders ignore it.
    bytes.fill(0, at, at + 12);
    if (little) bytes.set([1, 0, 1, 0, 0, 0], at + 2);
    else bytes.set([0, 1, 0, 0, 0, 1], at + 2);
  }
  bytes.writeUInt32LE(0, end);
  if ((first.get(277) ?? 1) > 8) throw new RangeError("it holds more than 8 samples per pixel");
  if ((first.get(322) ?? 0) * (first.get(323) ?? 0) > 16e6)
    throw new RangeError("its tiles are too large");
}
