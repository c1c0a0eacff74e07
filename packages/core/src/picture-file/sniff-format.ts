import { isPng } from "../png/png-layout.ts";
import { isWebp } from "../picture/webp-header.ts";
import { isPnm } from "../pnm/open-pnm.ts";
import { isTiff } from "../tiff/tiff-directory.ts";

/** The image file formats that are recognised by their first bytes. */
export type PictureFormat = "png" | "jpeg" | "webp" | "bmp" | "tiff" | "gif" | "pnm" | "npy";

/** Which format `bytes` starts like, or undefined when it is none that we know. */
export function sniffFormat(bytes: Uint8Array): PictureFormat | undefined {
  const starts = (...signature: number[]): boolean =>
    signature.every((byte, i) => bytes[i] === byte);
  if (isPng(bytes)) return "png";
  if (starts(0xff, 0xd8, 0xff)) return "jpeg";
  if (isWebp(bytes)) return "webp";
  if (starts(0x47, 0x49, 0x46, 0x38)) return "gif";
  if (isTiff(bytes)) return "tiff";
  if (starts(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) return "npy";
  if (starts(0x42, 0x4d)) return "bmp";
  if (isPnm(bytes)) return "pnm";
  return undefined;
}
