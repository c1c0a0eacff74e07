import { openBmp } from "../bmp/open-bmp.ts";
import type { AsmaError } from "../errors.ts";
import { foreignFile } from "../foreign-file/foreign-file.ts";
import { openGif } from "../gif/open-gif.ts";
import { checkPictureHeader } from "../picture/check-picture-header.ts";
import { checkScans, readJpegHeader } from "../picture/jpeg-header.ts";
import { orientRaster } from "../picture/orient-raster.ts";
import type { DecodedPixels, OpenPictureOptions } from "../picture/picture-host.ts";
import type { Picture, Raster } from "../picture/raster.ts";
import { unreadablePicture } from "../picture/unreadable-picture.ts";
import { readWebpHeader } from "../picture/webp-header.ts";
import { openPng } from "../png/open-png.ts";
import { openPnm } from "../pnm/open-pnm.ts";
import { openTiff } from "../tiff/open-tiff.ts";
import { sniffFormat, type PictureFormat } from "./sniff-format.ts";

/** A picture whose header was read and checked. */
export interface PictureFile extends Picture {
  readonly format: Exclude<PictureFormat, "npy">;
}

/**
 * Opens an image file from its bytes, checking everything that its header tells: PNG, JPEG, WebP, TIFF, BMP, GIF,
 * PGM, PPM and PBM. What is not decoded right is refused by name.
 *
 * @param name the file in messages, such as "'scan.png'" or "the image"
 * @throws AsmaError ERR_IMAGE_UNREADABLE (also by `decode`), ERR_IMAGE_TOO_LARGE, ERR_IMAGE_COLOUR_SPACE (CMYK, YCCK,
 *   CIELab, …), ERR_IMAGE_CHANNELS, ERR_IMAGE_BIT_DEPTH
 */
export function openPictureFile(
  bytes: Uint8Array,
  name: string,
  { host, maxPixels }: OpenPictureOptions,
): PictureFile {
  if (bytes.length === 0) throw unreadablePicture(name, "is empty");
  const format = sniffFormat(bytes);
  switch (format) {
    case "png":
      return { format, ...openPng(bytes, name, { inflate: host.inflate, maxPixels }) };
    case "gif":
      return { format, ...openGif(bytes, name, maxPixels) };
    case "bmp":
      return { format, ...openBmp(bytes, name, maxPixels) };
    case "pnm":
      return { format, ...openPnm(bytes, name, maxPixels) };
    case "tiff":
      return { format, ...openTiff(bytes, name, { host, maxPixels }) };
    case "jpeg":
    case "webp":
      return { format, ...openPhoto(bytes, name, format, { host, maxPixels }) };
    default:
      throw foreignPicture(bytes, name);
  }
}

/** Says what a file is that is no picture, where that can be told. */
function foreignPicture(bytes: Uint8Array, name: string): AsmaError {
  // A message whose first field is a small number: `ir_version`.
  if (bytes[0] === 0x08 && (bytes[1] as number) < 32 && bytes.length > 2) {
    const wayOut = "give the model first and the image after it";
    return unreadablePicture(name, "seems to be an ONNX model", { wayOut });
  }
  if (String.fromCharCode(...bytes.subarray(4, 8)) === "ftyp") {
    const wayOut = "save it as PNG or JPEG";
    return unreadablePicture(name, "is a HEIC or AVIF photo, or a film", { wayOut });
  }
  const kind = foreignFile(bytes);
  return kind === undefined
    ? unreadablePicture(name, "is none of these")
    : unreadablePicture(name, `is ${kind.is}`, { wayOut: "name the picture itself" });
}

/** A picture that the platform decodes. */
function openPhoto(
  bytes: Uint8Array,
  name: string,
  format: "jpeg" | "webp",
  { host, maxPixels }: OpenPictureOptions,
): Picture {
  const title = format === "jpeg" ? "JPEG" : "WebP";
  let header: ReturnType<typeof readWebpHeader>;
  try {
    header =
      format === "jpeg"
        ? { ...readJpegHeader(bytes), isLossy: true, orientation: 1, pages: 1 }
        : readWebpHeader(bytes);
  } catch (cause) {
    throw unreadablePicture(name, `is a truncated or damaged ${title}`, { cause });
  }
  checkPictureHeader(name, title, header, maxPixels);
  if (header.truncated) throw unreadablePicture(name, `is a truncated ${title}`);
  const grey = header.colour === "grey";
  return {
    grey,
    isLossy: header.isLossy,
    pages: header.pages,
    decode: async () => {
      try {
        if (format === "jpeg") checkScans(readJpegHeader(bytes));
        const pixels = await host.decodePhoto(bytes, format);
        if (pixels.height * pixels.width !== header.height * header.width) {
          throw new RangeError("it decodes to a size that is not its own");
        }
        return orientRaster(toRaster(pixels, grey ? 1 : 3), header.orientation);
      } catch (cause) {
        const found = `is a damaged or unsupported ${title} (${(cause as Error).message})`;
        throw unreadablePicture(name, found, { cause });
      }
    },
  };
}

function toRaster(
  { height, width, channels: stride, data }: DecodedPixels,
  channels: 1 | 3,
): Raster {
  const samples = new Uint8Array(channels * height * width);
  const alpha = stride === 2 || stride === 4 ? stride - 1 : undefined;
  let transparentPixels = 0;
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) {
      samples[channels * i + c] = data[stride * i + (stride < 3 ? 0 : c)] as number;
    }
    if (alpha !== undefined && data[stride * i + alpha] !== 255) transparentPixels += 1;
  }
  const stored = channels === 1 ? { data: samples, max: 255 } : undefined;
  return { height, width, channels, data: samples, bitDepth: 8, transparentPixels, stored };
}
