import { AsmaError } from "../errors.ts";

/** A PNG that cannot be decoded: ERR_IMAGE_UNREADABLE. `name` is the file in messages. */
export function damagedPng(name: string, found: string, cause?: unknown): AsmaError {
  return new AsmaError(
    "ERR_IMAGE_UNREADABLE",
    `Expected a whole PNG but ${name} ${found}: save it again from the program it came from.`,
    { cause, details: { name } },
  );
}
