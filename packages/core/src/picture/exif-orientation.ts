/**
 * The orientation, 1 to 8, in a block of EXIF: the directory of a TIFF, with its byte order mark.
 *
 * @returns 1 where it says none, or is damaged
 */
export function exifOrientation(block: Uint8Array): number {
  // Some programs put the mark of a JPEG's segment before it.
  const isMarked = String.fromCharCode(...block.subarray(0, 4)) === "Exif";
  const exif = isMarked ? block.subarray(6) : block;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = exif[0] === 0x49 && exif[1] === 0x49;
  if (exif.length < 14 || !(little || (exif[0] === 0x4d && exif[1] === 0x4d))) {
    return 1;
  }
  const start = view.getUint32(4, little);
  if (start + 2 > exif.length) {
    return 1;
  }
  const count = view.getUint16(start, little);
  for (let i = 0, at = start + 2; i < count && at + 12 <= exif.length; i++, at += 12) {
    if (view.getUint16(at, little) === 274) {
      const orientation = view.getUint16(at + 8, little);
      return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
  }
  return 1;
}
