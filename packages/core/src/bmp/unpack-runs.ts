/**
 * Unpacks the pixels of an RLE8 or RLE4 BMP, rows from the bottom up: runs, absolute stretches, jumps. What is
 * jumped over is index 0.
 *
 * @returns palette indices, length height · width, the bottom row first
 * @throws RangeError when they are cut off or lie outside the picture
 */
export function unpackRuns(
  packed: Uint8Array,
  { height, width, bits }: { height: number; width: number; bits: number },
): Uint8Array {
  const indices = new Uint8Array(height * width);
  let [at, x, y] = [0, 0, 0];
  const next = (): number => {
    const byte = packed[at++];
    if (byte === undefined) throw new RangeError("its packed pixels are cut off");
    return byte;
  };
  const put = (index: number): void => {
    // Half a byte may be left over at the end of a row, which counts for nothing.
    if (y >= height) throw new RangeError("it packs more rows than it has");
    if (x < width) indices[y * width + x] = index;
    x += 1;
  };
  for (;;) {
    // Some programs leave the mark of the end out.
    const isFull = y >= height || (y === height - 1 && x >= width);
    if (isFull && at >= packed.length) return indices;
    const count = next();
    const value = next();
    if (count > 0) {
      for (let k = 0; k < count; k++) {
        put(bits === 8 ? value : k % 2 === 0 ? value >> 4 : value & 15);
      }
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      return indices;
    } else if (value === 2) {
      x += next();
      y += next();
    } else {
      const length = bits === 8 ? value : Math.ceil(value / 2);
      for (let k = 0; k < length; k++) {
        const byte = next();
        if (bits === 8) put(byte);
        else {
          put(byte >> 4);
          if (2 * k + 1 < value) put(byte & 15);
        }
      }
      if (length % 2 === 1) next();
    }
  }
}
