/**
 * Where the sub-blocks end that start at `at`.
 *
 * @throws RangeError when they are cut off
 */
export function endOfSubBlocks(view: DataView, at: number): number {
  for (let block = at; ;) {
    const length = view.getUint8(block);
    block += 1 + length;
    if (block > view.byteLength) throw new RangeError("its data is cut off");
    if (length === 0) return block;
  }
}

/** Frames of a GIF, as far as it goes on whole. */
export function countFrames(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tableLength = (flags: number): number =>
    (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1);
  let frames = 0;
  try {
    for (let at = 13 + tableLength(view.getUint8(10)); ;) {
      const block = view.getUint8(at);
      if (block === 0x21) {
        at = endOfSubBlocks(view, at + 2);
      } else if (block === 0x2c) {
        at = endOfSubBlocks(view, at + 11 + tableLength(view.getUint8(at + 9)));
        frames += 1;
      } else {
        return frames;
      }
    }
  } catch {
    // What is cut off is said where the first frame is decoded.
    return frames;
  }
}
