import { refusal, type AsmaError } from "@onnx-asma/core";

/** Pixels that cannot be had: ERR_IMAGE_UNREADABLE. */
export function unreadable(name: string, found: string): AsmaError {
  return refusal("ERR_IMAGE_UNREADABLE", {
    expected: "an image of pixels that the browser gives out",
    found: `${name} ${found}`,
    wayOut: "save it again from the program it came from",
    details: { name },
  });
}
