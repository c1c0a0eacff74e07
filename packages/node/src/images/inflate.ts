import { inflateSync, type InputType, type ZlibOptions } from "node:zlib";
import type { Inflate } from "@onnx-asma/core/png";

/** With `info`, which the types leave out, zlib also tells how much of the input it took. */
const inflateWithInfo = inflateSync as unknown as (
  input: InputType,
  options: ZlibOptions,
) => { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };

/** Inflates with Node's zlib, into at most `maxLength` bytes. */
export const inflate: Inflate = (parts, maxLength) => {
  const input = Buffer.concat(parts);
  const { buffer, engine } = inflateWithInfo(input, { info: true, maxOutputLength: maxLength });
  if (engine.bytesWritten !== input.length) {
    throw new RangeError(`${input.length - engine.bytesWritten} bytes follow the zlib stream`);
  }
  return buffer;
};
