import type { Inflate } from "@onnx-asma/core/png";

/** Bytes that are inflated at a time: what comes out waits in memory, a thousandfold at most. */
const sliceLength = 16_384;

/** Inflates with the browser's `DecompressionStream`, into at most `maxLength` bytes. */
export const inflate: Inflate = async (parts, maxLength) => {
  const slices = slicesOf(parts);
  const compressed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { value, done } = slices.next();
      if (done) {
        controller.close();
      } else {
        controller.enqueue(value);
      }
    },
  });
  const reader = compressed.pipeThrough(new DecompressionStream("deflate")).getReader();
  const inflated = new Uint8Array(maxLength);
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return inflated.subarray(0, length);
    }
    if (length + value.length > maxLength) {
      const error = new RangeError(`the stream inflates to more than ${maxLength} bytes`);
      await reader.cancel(error);
      throw error;
    }
    inflated.set(value, length);
    length += value.length;
  }
};

/** The parts, cut small. */
function* slicesOf(parts: readonly Uint8Array[]): Generator<Uint8Array<ArrayBuffer>, undefined> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += sliceLength) {
      yield part.slice(at, at + sliceLength);
    }
  }
}
