import type { Decoder } from "../picture/file-image.ts";
import type { PictureHost } from "../picture/picture-host.ts";
import { toolVersion } from "../tool-version.ts";

/** What is decoded here, with the libraries of this version. */
export const ownDecoder: Decoder = { name: "onnx-asma", version: toolVersion };

/**
 * A host that tells, once a file was decoded, whether the platform did it (JPEG, WebP and TIFF that holds them,
 * faxes) or we ourselves.
 *
 * @param platform what decodes there
 */
export function watchDecoder(host: PictureHost, platform: () => Promise<Decoder>) {
  let isOfPlatform = false;
  const told =
    <Arguments extends readonly unknown[], T>(decode: (...given: Arguments) => Promise<T>) =>
    async (...given: Arguments) => {
      isOfPlatform = true;
      return await decode(...given);
    };
  const watched: PictureHost = {
    ...host,
    decodePhoto: told(host.decodePhoto),
    ...(host.decodeFax && { decodeFax: told(host.decodeFax) }),
  };
  return {
    host: watched,
    decoder: async (): Promise<Decoder> => (isOfPlatform ? await platform() : ownDecoder),
  };
}
