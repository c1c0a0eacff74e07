import { refusal } from "../errors.ts";

/** @throws AsmaError `ERR_TARGET_CLASS` for a label that cannot be a class */
export function checkLabel(label: number): void {
  if (!Number.isSafeInteger(label) || label < 0) {
    throw refusal("ERR_TARGET_CLASS", {
      expected: "a class as a whole number from 0 on",
      found: `found ${String(label)}`,
      wayOut: "count the classes of the model from 0",
    });
  }
}
