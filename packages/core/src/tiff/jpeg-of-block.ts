/**
 * A JPEG that stands alone, of a strip or tile of a TIFF: the tables that all share go before it, and an Adobe
 * marker says whether its three components are RGB, which in a TIFF the photometric interpretation does.
 *
 * @throws RangeError when a part is no JPEG
 */
export function jpegOfBlock(
  block: Uint8Array,
  tables: Uint8Array | undefined,
  isYcbcr: boolean,
): Uint8Array {
  const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0];
  const parts = [
    Uint8Array.of(0xff, 0xd8, ...adobe, isYcbcr ? 1 : 0),
    ...(tables ? withoutMarks(tables) : []),
    ...withoutMarks(block),
  ];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What is between start and end, without markers that speak of colours (APP0, APP14). */
function withoutMarks(jpeg: Uint8Array): Uint8Array[] {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) throw new RangeError("a part of it is no JPEG");
  const parts: Uint8Array[] = [];
  for (let at = 2; at + 1 < jpeg.length;) {
    const marker = jpeg[at + 1] as number;
    if (jpeg[at] !== 0xff) throw new RangeError("a JPEG marker was expected");
    if (marker === 0xd9) return parts;
    // From the first scan on, all is kept.
    if (marker === 0xda) return [...parts, jpeg.subarray(at)];
    const length = 2 + (((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 2));
    if (marker !== 0xe0 && marker !== 0xee) parts.push(jpeg.subarray(at, at + length));
    at += Math.max(4, length);
  }
  return parts;
}
