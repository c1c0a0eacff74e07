import { refusal } from "../errors.ts";
import type { LabelMap } from "../image.ts";

/** The part of the platform's cryptography that is used; browsers give it to secure pages only. */
interface Subtle {
  digest(algorithm: "SHA-256", bytes: Uint8Array): Promise<ArrayBuffer>;
}

/**
 * SHA-256 by the platform, 64 hexadecimal digits.
 *
 * @throws AsmaError `ERR_INSECURE_PAGE` in a browser on a page that came over plain http
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { crypto } = globalThis as { readonly crypto?: { readonly subtle?: Subtle } };
  if (crypto?.subtle === undefined) {
    throw refusal("ERR_INSECURE_PAGE", {
      expected: "a page that may hash files",
      found: "browsers let pages do so that come over https or from localhost only",
      wayOut: "serve it over https",
    });
  }
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * SHA-256 of a label map: its labels as little-endian int32 in C order (ignored is −1), 64 hexadecimal
 * digits. The file that the labels came from may have had other values and another size.
 */
export async function labelsHash({ data }: LabelMap): Promise<string> {
  const bytes = new DataView(new ArrayBuffer(4 * data.length));
  data.forEach((label, i) => bytes.setInt32(4 * i, label, true));
  return await sha256(new Uint8Array(bytes.buffer));
}
